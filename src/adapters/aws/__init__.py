"""The ports on AWS, by aioboto3; knows no other adapter."""
