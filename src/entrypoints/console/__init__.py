"""The web console: pages over the HTTP API, served on loopback.

It is a client of the API and of nothing else. `asset-sync up` serves it next to the local API;
`asset-sync console --stage prod` serves the same pages, and sends its requests with the operator's
own credentials.

api        what the console needs of a client of the API
guard      which requests are served: sessions, form tokens, headers of browsers
pages      what each page shows and does
job_facts  a job's numbers as sentences, phases and counts
pictures   chunks and throughput as data for drawings
"""
