"""Constraints of the model and rules between fields, with precise messages."""

from typing import Any
from xml.sax.saxutils import escape

import pytest

from adapters.local_aws.s3_batch_operations.errors import BadRequest, NotImplementedHere
from adapters.local_aws.s3_batch_operations.job_spec import JobSpec, ManifestField, job_spec
from adapters.local_aws.s3_batch_operations.wire import NAMESPACE, decode_body

LAMBDA = "<LambdaInvoke><FunctionArn>discovery</FunctionArn></LambdaInvoke>"
SPEC = (
    "<Spec><Format>S3BatchOperations_CSV_20180820</Format>"
    "<Fields><member>Bucket</member><member>Key</member></Fields></Spec>"
)
LOCATION = (
    "<Location><ObjectArn>arn:aws:s3:::work/m.csv</ObjectArn><ETag>&quot;e&quot;</ETag></Location>"
)
PARTS: dict[str, str | None] = {
    "Operation": LAMBDA,
    "Report": "<Enabled>false</Enabled>",
    "ClientRequestToken": "t",
    "Priority": "1",
    "RoleArn": "arn:aws:iam::123456789012:role/r",
    "Manifest": SPEC + LOCATION,
}


def parse(**changes: str | None) -> JobSpec:
    members = "".join(
        f"<{name}>{inner}</{name}>"
        for name, inner in {**PARTS, **changes}.items()
        if inner is not None
    )
    body = f'<CreateJobRequest xmlns="{NAMESPACE}">{members}</CreateJobRequest>'
    return job_spec(decode_body("CreateJob", body.encode()))


def refusal(**changes: str | None) -> str:
    with pytest.raises(BadRequest) as caught:
        parse(**changes)
    return caught.value.message


def invoke(inner: str) -> str:
    return f"<LambdaInvoke><FunctionArn>f</FunctionArn>{inner}</LambdaInvoke>"


def test_a_plain_request_is_read() -> None:
    spec = parse()
    assert spec.manifest.bucket == "work"
    assert spec.manifest.key == "m.csv"
    assert spec.manifest.etag == "e"
    assert spec.manifest.fields == (ManifestField.BUCKET, ManifestField.KEY)
    assert spec.report is None
    assert spec.confirmation_required is False
    assert spec.operation.schema_version == "1.0"


@pytest.mark.parametrize(
    "name", ["Operation", "Report", "ClientRequestToken", "Priority", "RoleArn"]
)
def test_required_members(name: str) -> None:
    assert refusal(**{name: None}) == f"{name} is required"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"ClientRequestToken": "t" * 65},
            "ClientRequestToken must be at most 64 characters, not 65",
        ),
        ({"ClientRequestToken": ""}, "ClientRequestToken must be at least 1 characters, not 0"),
        ({"Priority": "-1"}, "Priority must be at least 0, not -1"),
        ({"Priority": "2147483648"}, "Priority must be at most 2147483647, not 2147483648"),
        ({"Priority": "high"}, "Priority must be an integer, not 'high'"),
        ({"ConfirmationRequired": "no"}, "ConfirmationRequired must be true or false, not 'no'"),
        ({"Description": "d" * 257}, "Description must be at most 256 characters, not 257"),
        ({"RoleArn": "r"}, "RoleArn must match arn:[^:]+:iam::\\d{12}:role/.*, 'r' does not"),
        ({"Surprise": "x"}, "Surprise is not a member of this structure"),
        ({"Operation": ""}, "Operation must name exactly one operation"),
        ({"Operation": "<LambdaInvoke/>"}, "Operation.LambdaInvoke.FunctionArn is required"),
        (
            {"Operation": invoke("<InvocationSchemaVersion>3.0</InvocationSchemaVersion>")},
            "Operation.LambdaInvoke.InvocationSchemaVersion must be 1.0 or 2.0, not '3.0'",
        ),
        (
            {
                "Operation": invoke(
                    "<UserArguments><entry><key>a</key><value>b</value></entry></UserArguments>"
                )
            },
            "Operation.LambdaInvoke.UserArguments need InvocationSchemaVersion 2.0",
        ),
        (
            {
                "Operation": invoke(
                    "<UserArguments>"
                    + "".join(f"<entry><key>{n}</key><value/></entry>" for n in range(11))
                    + "</UserArguments>"
                )
            },
            "Operation.LambdaInvoke.UserArguments must be at most 10 entries, not 11",
        ),
        ({"Manifest": None}, "Exactly one of Manifest and ManifestGenerator is required"),
        ({"Manifest": SPEC}, "Manifest.Location is required"),
        (
            {"Manifest": "<Spec><Format>S3BatchOperations_CSV_20180820</Format></Spec>" + LOCATION},
            "Manifest.Spec.Fields is required with S3BatchOperations_CSV_20180820",
        ),
        (
            {"Manifest": SPEC.replace("Bucket<", "Size<") + LOCATION},
            "Manifest.Spec.Fields[0] must be one of Ignore, Bucket, Key, VersionId, not 'Size'",
        ),
        (
            {"Manifest": SPEC.replace("Bucket<", "Key<") + LOCATION},
            "Manifest.Spec.Fields names Key more than once",
        ),
        (
            {"Manifest": SPEC + LOCATION.replace("/m.csv", "")},
            "Manifest.Location.ObjectArn must name a bucket and an object",
        ),
        (
            {"Report": "<Enabled>true</Enabled>"},
            "Report.Bucket is required when the report is enabled",
        ),
        (
            {"Report": f"<Enabled>false</Enabled><Prefix>{'p' * 513}</Prefix>"},
            "Report.Prefix must be at most 512 characters, not 513",
        ),
        (
            {"Tags": "<member><Key>k</Key><Value>v</Value></member>" * 51},
            "A job can have at most 50 tags",
        ),
        ({"Tags": "<member><Key>k</Key></member>"}, "Tags[0].Value is required"),
    ],
)
def test_refusals_say_what_is_wrong(changes: dict[str, str | None], message: str) -> None:
    assert refusal(**changes) == message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Operation": "<S3DeleteObjectTagging/>"}, "not S3DeleteObjectTagging"),
        (
            {
                "Manifest": SPEC.replace(
                    "S3BatchOperations_CSV_20180820", "S3InventoryReport_CSV_20161130"
                )
                + LOCATION
            },
            "not S3InventoryReport_CSV_20161130",
        ),
        ({"Manifest": None, "ManifestGenerator": ""}, "does not generate manifests"),
    ],
)
def test_what_only_aws_can_do_is_not_implemented(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(NotImplementedHere, match=message):
        parse(**changes)


@pytest.mark.parametrize(
    "body",
    ["", "<CreateJobRequest>", "<Other/>", '<!DOCTYPE x [<!ENTITY e "e">]><CreateJobRequest/>'],
)
def test_a_body_that_is_no_request_is_a_bad_request(body: str) -> None:
    with pytest.raises(BadRequest):
        decode_body("CreateJob", body.encode())


def test_text_survives_xml() -> None:
    assert parse(Description=escape("a & b < c")).request["Description"] == "a & b < c"
