import io.grpc.ManagedChannel;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.handler.ssl.SslContextBuilder;
import io.opentelemetry.exporter.otlp.trace.OtlpGrpcSpanExporter;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.io.File;
import java.net.URI;
import java.time.Duration;
import java.util.Map;

/**
 * The Java SDK's exporter over a channel of grpc-netty, which the application makes itself.
 *
 * <p>Where the application leaves it to the SDK, this sender's channel takes no credentials: the
 * settings are read, and then the system's authorities judge and no certificate is sent.
 */
public final class NettyExporter {
  private static ManagedChannel channel;

  public static void main(String[] arguments) throws Exception {
    Exporter.answer(NettyExporter::make);
  }

  @SuppressWarnings("deprecation")
  private static SpanExporter make(Map<String, String> settings) throws Exception {
    SslContextBuilder context = GrpcSslContexts.forClient();
    if (!settings.get("ca").isEmpty()) {
      context.trustManager(new File(settings.get("ca")));
    }
    if (!settings.get("cert").isEmpty() || !settings.get("key").isEmpty()) {
      context.keyManager(new File(settings.get("cert")), new File(settings.get("key")));
    }
    if (channel != null) {
      channel.shutdownNow(); // the exporter does not close a channel that it was given
    }
    URI endpoint = URI.create(settings.get("endpoint"));
    channel =
        NettyChannelBuilder.forAddress(endpoint.getHost(), endpoint.getPort())
            .sslContext(context.build())
            .build();
    return OtlpGrpcSpanExporter.builder()
        .setChannel(channel)
        .setTimeout(Duration.ofSeconds(5))
        .setRetryPolicy(null)
        .build();
  }
}
