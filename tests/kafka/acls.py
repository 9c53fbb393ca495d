"""Gives rights on a broker, or takes them: reads lines of `kafka-acls` and does what they say.

One process instead of a Java machine per line. Usage: acls.py BROKERS <LINES
"""

import argparse
import shlex
import sys

from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

OPERATIONS = {
    "Read": AclOperation.READ,
    "Write": AclOperation.WRITE,
    "Describe": AclOperation.DESCRIBE,
    "DescribeConfigs": AclOperation.DESCRIBE_CONFIGS,
}


def read(line):
    """The arguments of one line."""
    parser = argparse.ArgumentParser()
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--add", action="store_true")
    what.add_argument("--remove", action="store_true")
    parser.add_argument("--force", action="store_true")
    parser.add_argument("--bootstrap-server")
    parser.add_argument("--command-config")
    parser.add_argument("--allow-principal", required=True)
    parser.add_argument("--operation", required=True, choices=OPERATIONS)
    for kind in ("topic", "group", "transactional-id"):
        parser.add_argument(f"--{kind}", action="append", default=[])
    words = shlex.split(line)
    assert words[0] == "kafka-acls", line
    return parser.parse_args(words[1:])


def main():
    admin = AdminClient({"bootstrap.servers": sys.argv[1]})
    for line in sys.stdin:
        asked = read(line)
        named = [(ResourceType.TOPIC, name) for name in asked.topic]
        named += [(ResourceType.GROUP, name) for name in asked.group]
        named += [(ResourceType.TRANSACTIONAL_ID, name) for name in asked.transactional_id]
        make = AclBinding if asked.add else AclBindingFilter
        acls = [
            make(
                kind,
                name,
                ResourcePatternType.LITERAL,
                asked.allow_principal,
                "*" if asked.add else None,
                OPERATIONS[asked.operation],
                AclPermissionType.ALLOW,
            )
            for kind, name in named
        ]
        done = admin.create_acls(acls) if asked.add else admin.delete_acls(acls)
        for future in done.values():
            future.result()


main()
