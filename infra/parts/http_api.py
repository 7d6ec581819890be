"""The HTTP API in front of the API's function: its routes, and who may call it."""

from typing import Final

from aws_cdk import Fn, Stack
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.config import Config
from infra.parts.retention import removal_policy

# As the API's handler serves them; tests/infra compares.
ROUTES: Final = (
    ("POST", "/connectors"),
    ("GET", "/connectors"),
    ("GET", "/connectors/{connectorId}"),
    ("PATCH", "/connectors/{connectorId}"),
    ("DELETE", "/connectors/{connectorId}"),
    ("POST", "/connectors/{connectorId}/sync"),
    ("POST", "/connectors/{connectorId}/plan"),
    ("POST", "/connectors/{connectorId}/check"),
    ("GET", "/connectors/{connectorId}/schedule"),
    ("PUT", "/connectors/{connectorId}/schedule"),
    ("DELETE", "/connectors/{connectorId}/schedule"),
    ("GET", "/connectors/{connectorId}/objects"),
    ("GET", "/jobs"),
    ("GET", "/jobs/{jobId}"),
    ("GET", "/jobs/{jobId}/chunks"),
    ("GET", "/jobs/{jobId}/errors"),
    ("GET", "/jobs/{jobId}/causes"),
    ("GET", "/jobs/{jobId}/outcomes"),
    ("GET", "/jobs/{jobId}/objects"),
    ("POST", "/jobs/{jobId}/cancel"),
    ("POST", "/jobs/{jobId}/redrive"),
    ("GET", "/jobs/{jobId}/removals"),
    ("POST", "/jobs/{jobId}/removals/confirm"),
    ("GET", "/jobs/{jobId}/orphans"),
    ("POST", "/jobs/{jobId}/orphans"),
    ("GET", "/jobs/{jobId}/orphans/plan"),
    ("POST", "/jobs/{jobId}/pause"),
    ("POST", "/jobs/{jobId}/resume"),
    ("GET", "/connectors/{connectorId}/jobs"),
    ("GET", "/connectors/{connectorId}/jobs/{jobId}"),
    ("GET", "/connectors/{connectorId}/jobs/{jobId}/chunks"),
    ("GET", "/connectors/{connectorId}/jobs/{jobId}/errors"),
    ("GET", "/connectors/{connectorId}/jobs/{jobId}/causes"),
    ("GET", "/connectors/{connectorId}/jobs/{jobId}/outcomes"),
    ("GET", "/connectors/{connectorId}/jobs/{jobId}/objects"),
    ("POST", "/connectors/{connectorId}/jobs/{jobId}/cancel"),
    ("POST", "/connectors/{connectorId}/jobs/{jobId}/redrive"),
    ("GET", "/connectors/{connectorId}/jobs/{jobId}/removals"),
    ("POST", "/connectors/{connectorId}/jobs/{jobId}/removals/confirm"),
    ("GET", "/connectors/{connectorId}/jobs/{jobId}/orphans"),
    ("POST", "/connectors/{connectorId}/jobs/{jobId}/orphans"),
    ("GET", "/connectors/{connectorId}/jobs/{jobId}/orphans/plan"),
    ("POST", "/connectors/{connectorId}/jobs/{jobId}/pause"),
    ("POST", "/connectors/{connectorId}/jobs/{jobId}/resume"),
    ("GET", "/stage"),
    ("POST", "/stage/pause"),
    ("POST", "/stage/resume"),
    ("GET", "/openapi.json"),
)

_LOG_FIELDS: Final = {
    "requestId": "$context.requestId",
    "ip": "$context.identity.sourceIp",
    "caller": "$context.identity.userArn",
    "routeKey": "$context.routeKey",
    "status": "$context.status",
    "latencyMs": "$context.responseLatency",
    "error": "$context.error.message",
    "integrationError": "$context.integrationErrorMessage",
}


def make_http_api(
    scope: Construct, config: Config, function: lambda_.Function
) -> apigateway.HttpApi:
    """Make the API; without a signature (or a token) no route answers."""
    api = apigateway.HttpApi(
        scope,
        "HttpApi",
        api_name=config.stack_name,
        description=f"Asset Sync, {config.stage}",
        create_default_stage=False,
        default_authorizer=_authorizer(config),
    )
    integration = integrations.HttpLambdaIntegration("ApiIntegration", function)
    for method, path in ROUTES:
        api.add_routes(path=path, methods=[apigateway.HttpMethod[method]], integration=integration)
    stage = apigateway.HttpStage(
        scope,
        "HttpStage",
        http_api=api,
        stage_name="$default",
        auto_deploy=True,
        throttle=apigateway.ThrottleSettings(rate_limit=50, burst_limit=100),
    )
    _log_access(scope, config, stage)
    return api


def _authorizer(config: Config) -> apigateway.IHttpRouteAuthorizer:
    if config.auth == "jwt":
        return authorizers.HttpJwtAuthorizer(
            "Jwt", config.jwt_issuer, jwt_audience=list(config.jwt_audience)
        )
    return authorizers.HttpIamAuthorizer()


def _log_access(scope: Construct, config: Config, stage: apigateway.HttpStage) -> None:
    """Log each request.

    API Gateway grants itself access in the account's resource policy for CloudWatch Logs, which
    holds 5,120 characters; near that limit, only log groups under /aws/vendedlogs/ are enabled
    (Step Functions Developer Guide, "Avoiding Amazon CloudWatch Logs resource policy size
    restrictions", checked 2026-11). The id of the stack is in the name, because a log that is kept
    still exists when the stage is deployed again.
    """
    stack_id = Fn.select(2, Fn.split("/", Stack.of(scope).stack_id))
    group = logs.LogGroup(
        scope,
        "AccessLog",
        log_group_name=f"/aws/vendedlogs/{config.stack_name}/access-{stack_id}",
        removal_policy=removal_policy(config),
    )
    child = group.node.default_child
    assert isinstance(child, logs.CfnLogGroup)  # noqa: S101 - what it is made of
    child.retention_in_days = config.log_days
    # On the L1 resource: HttpStage's own property fails in aws-cdk-lib 2.275.
    stage_resource = stage.node.default_child
    assert isinstance(stage_resource, apigateway.CfnStage)  # noqa: S101 - what it is made of
    stage_resource.access_log_settings = apigateway.CfnStage.AccessLogSettingsProperty(
        destination_arn=group.log_group_arn,
        format=Stack.of(scope).to_json_string(_LOG_FIELDS),
    )
