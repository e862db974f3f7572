import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.handler.ssl.SslContextBuilder;
import java.io.File;
import java.net.URI;

/** grpc-java on Netty; the build makes the one on the shaded Netty from it. */
public final class GrpcNetty {
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
    Grpc.call(
        NettyChannelBuilder.forAddress(endpoint.getHost(), endpoint.getPort())
            .sslContext(context.build())
            .build());
  }
}
