"""What AWS manages for us, on a laptop: stores, queues, functions, events, and an asset system.

Nothing here is used in a deployment. It exists so that the whole service runs, and can be broken
on purpose, without an AWS account.
"""
