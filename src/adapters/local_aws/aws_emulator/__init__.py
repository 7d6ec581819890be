"""S3, DynamoDB, SQS, SNS and EventBridge buses: moto behind one lock, in a child process."""
