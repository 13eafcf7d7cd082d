#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a kubelet says to a container engine: cri.py SOCKET SERVICE.METHOD [JSON] prints the answer as JSON. An error is one line, status 1.

Its directory in PYTHONPATH has cri_pb2.py, made of cri.proto by protoc."""
import base64
import json
import sys

import cri_pb2
import grpc
from google.protobuf import json_format, message_factory


def readable(answer):
    """Bytes are base64 in protobuf's JSON; these are text."""
    for name in ("stdout", "stderr"):
        if name in answer:
            answer[name] = base64.b64decode(answer[name]).decode()
    return answer


service, method = sys.argv[2].split(".")
service = cri_pb2.DESCRIPTOR.services_by_name[service]
method = service.methods_by_name[method]
factory = message_factory.MessageFactory()
request = factory.GetPrototype(method.input_type)()
json_format.Parse(sys.argv[3] if len(sys.argv) > 3 else "{}", request)
with grpc.insecure_channel(f"unix://{sys.argv[1]}") as channel:
    call = channel.unary_unary(
        f"/{service.full_name}/{method.name}",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=factory.GetPrototype(method.output_type).FromString,
    )
    try:
        answer = call(request, timeout=50)
    except grpc.RpcError as error:
        sys.exit(f"{method.name}: {error.details()}")
answer = json_format.MessageToDict(answer, including_default_value_fields=True, preserving_proto_field_name=True)
print(json.dumps(readable(answer)))
