"""AWS on one machine: the services that a deployment uses, emulated for development and tests.

No port is implemented here, unlike in the other packages of `adapters`: the AWS adapters run
against these services without a change. Nothing here is part of a deployment.

    lambda_service        Lambda: functions, their environments, Invoke API, event source mappings
    api_gateway           API Gateway: an HTTP API in front of a function
    event_bridge          EventBridge: the default event bus, its rules and schedules
    s3_batch_operations   S3 Batch Operations: its API, and the jobs that it runs
    aws_emulator          S3, DynamoDB, SQS, SNS, other event buses: patched moto in a child process
    asset_system          a reference Asset Management System
    stack                 all of it together, provisioned as a deployment provisions AWS
    loopback              HTTP servers that only programs on this machine can reach
"""
