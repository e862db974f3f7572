import io.opentelemetry.exporter.otlp.internal.OtlpSpanExporterProvider;
import io.opentelemetry.sdk.autoconfigure.spi.internal.DefaultConfigProperties;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * The SDK's OTLP exporter as its autoconfiguration makes it, with java.util.logging as it is.
 *
 * <p>The class path says which sender it has; the property `protocol` which protocol.
 */
public final class OpenTelemetry {
  public static void main(String[] arguments) throws Exception {
    Credentials credentials = new Credentials(arguments);
    Map<String, String> properties = new HashMap<>();
    properties.put("otel.exporter.otlp.protocol", System.getProperty("protocol"));
    properties.put("otel.exporter.otlp.endpoint", credentials.endpoint);
    properties.put("otel.exporter.otlp.timeout", "5000");
    properties.put("otel.exporter.otlp.certificate", credentials.ca);
    properties.put("otel.exporter.otlp.client.certificate", credentials.certificate);
    properties.put("otel.exporter.otlp.client.key", credentials.key);
    properties.values().removeIf(String::isEmpty);
    var exporter =
        new OtlpSpanExporterProvider()
            .createExporter(DefaultConfigProperties.createFromMap(properties));
    var provider =
        SdkTracerProvider.builder().addSpanProcessor(SimpleSpanProcessor.create(exporter)).build();
    provider.get("lab").spanBuilder("lab").startSpan().end();
    provider.forceFlush().join(20, TimeUnit.SECONDS);
    System.exit(0);
  }
}
