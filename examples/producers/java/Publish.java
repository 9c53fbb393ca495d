// Publishes a prediction and, later, its outcome, so that Ripcord can join them.
//
// java -cp 'libs/*' Publish.java [BROKERS [PREDICTION_TOPIC [OUTCOME_TOPIC]]]
//
// libs holds org.apache.kafka:kafka-clients and what it needs.

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

public class Publish {
    public static void main(String[] args) throws Exception {
        String fallback = System.getenv().getOrDefault("KAFKA_BROKERS", "127.0.0.1:9092");
        String brokers = args.length > 0 ? args[0] : fallback;
        String predictions = args.length > 1 ? args[1] : "telemetry";
        String outcomes = args.length > 2 ? args[2] : predictions;

        // The partitioner is left as it is: with a key, murmur2 of the key.
        Map<String, Object> settings = Map.of(
                "bootstrap.servers", brokers,
                // Nothing is lost or doubled when a broker fails.
                "acks", "all",
                "enable.idempotence", true,
                "key.serializer", StringSerializer.class,
                "value.serializer", StringSerializer.class);
        try (var producer = new KafkaProducer<String, String>(settings)) {
            String request = UUID.randomUUID().toString();
            publish(producer, predictions, request, """
                    {"type":"prediction","id":"%s","model":"credit-risk","version":"v3","ts":"%s",\
                    "prediction":"1","latency_ms":12.5,"role":"live","features":{"income":41000}}"""
                    .formatted(request, Instant.now()));

            // Hours or days later, in some other process, when the truth is known:
            publish(producer, outcomes, request, """
                    {"type":"outcome","request":"%s","model":"credit-risk","ts":"%s",\
                    "actual":"0"}"""
                    .formatted(request, Instant.now()));
        }
    }

    // The key is the request, in both topics: that is what makes them meet.
    static void publish(KafkaProducer<String, String> producer, String topic, String request,
            String value) throws Exception {
        var record = new ProducerRecord<>(topic, request, value);
        String trace = UUID.randomUUID().toString().replace("-", "");
        record.headers().add("traceparent", ("00-" + trace + "-" + trace.substring(16) + "-01")
                .getBytes(StandardCharsets.UTF_8));
        // A service does not wait for each: it looks at the error in a callback of send.
        var sent = producer.send(record).get();
        System.out.println(sent.topic() + "/" + sent.partition() + " " + value);
    }
}
