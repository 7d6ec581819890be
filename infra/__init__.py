"""The deployment: an AWS CDK app. Of src/ it reads one module, adapters.aws.resources."""
