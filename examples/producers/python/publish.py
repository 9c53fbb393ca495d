#!/usr/bin/env python3
"""Publishes a prediction and, later, its outcome, so that Ripcord can join them.

pip install confluent-kafka
publish.py [BROKERS [PREDICTION_TOPIC [OUTCOME_TOPIC]]]
"""

import json
import os
import sys
import uuid
from datetime import datetime, timezone

from confluent_kafka import Producer

brokers = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("KAFKA_BROKERS", "127.0.0.1:9092")
predictions = sys.argv[2] if len(sys.argv) > 2 else "telemetry"
outcomes = sys.argv[3] if len(sys.argv) > 3 else predictions

producer = Producer({
    "bootstrap.servers": brokers,
    # What Java's clients take. The default of this one puts the same key somewhere else.
    "partitioner": "murmur2_random",
    # Nothing is lost or doubled when a broker fails.
    "acks": "all",
    "enable.idempotence": True,
})


failed = []


def delivered(error, message):
    if error is not None:
        failed.append(error.str())
        return
    print(f"{message.topic()}/{message.partition()} {message.value().decode()}")


def publish(topic, request, record, headers=None):
    # The key is the request, in both topics: that is what makes them meet.
    producer.produce(topic, key=request, value=json.dumps(record), headers=headers,
                     on_delivery=delivered)


def now():
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")


request = str(uuid.uuid4())
publish(predictions, request, {
    "type": "prediction", "id": request, "model": "credit-risk", "version": "v3", "ts": now(),
    "prediction": "1", "latency_ms": 12.5, "role": "live", "features": {"income": 41000},
}, headers={"traceparent": f"00-{uuid.uuid4().hex}-{uuid.uuid4().hex[:16]}-01"})

# Hours or days later, in some other process, when the truth is known:
publish(outcomes, request, {
    "type": "outcome", "request": request, "model": "credit-risk", "ts": now(), "actual": "0",
})

# A service calls producer.poll(0) now and then and this at its end.
left = producer.flush(30)
if left or failed:
    sys.exit(f"publish.py: {left} records still on the way to {brokers}, failed: {failed}")
