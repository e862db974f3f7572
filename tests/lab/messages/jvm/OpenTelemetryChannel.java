import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.handler.ssl.SslContextBuilder;
import io.opentelemetry.exporter.otlp.trace.OtlpGrpcSpanExporter;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import java.io.File;
import java.net.URI;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** The SDK's gRPC exporter over a channel of grpc-netty that the application makes. */
public final class OpenTelemetryChannel {
  @SuppressWarnings("deprecation")
  public static void main(String[] arguments) throws Exception {
    Credentials credentials = new Credentials(arguments);
    SslContextBuilder context = GrpcSslContexts.forClient();
    if (!credentials.ca.isEmpty()) {
      context.trustManager(new File(credentials.ca));
    }
    if (!credentials.certificate.isEmpty()) {
      context.keyManager(new File(credentials.certificate), new File(credentials.key));
    }
    URI endpoint = URI.create(credentials.endpoint);
    var exporter =
        OtlpGrpcSpanExporter.builder()
            .setChannel(
                NettyChannelBuilder.forAddress(endpoint.getHost(), endpoint.getPort())
                    .sslContext(context.build())
                    .build())
            .setTimeout(Duration.ofSeconds(5))
            .build();
    var provider =
        SdkTracerProvider.builder().addSpanProcessor(SimpleSpanProcessor.create(exporter)).build();
    provider.get("lab").spanBuilder("lab").startSpan().end();
    provider.forceFlush().join(20, TimeUnit.SECONDS);
    System.exit(0);
  }
}
