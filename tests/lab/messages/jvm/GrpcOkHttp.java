import io.grpc.ChannelCredentials;
import io.grpc.TlsChannelCredentials;
import io.grpc.okhttp.OkHttpChannelBuilder;
import java.io.File;
import java.net.URI;

/** grpc-java on its own OkHttp transport, as Android has it, with TlsChannelCredentials. */
public final class GrpcOkHttp {
  public static void main(String[] arguments) throws Exception {
    Credentials credentials = new Credentials(arguments);
    TlsChannelCredentials.Builder tls = TlsChannelCredentials.newBuilder();
    if (!credentials.ca.isEmpty()) {
      tls.trustManager(new File(credentials.ca));
    }
    if (!credentials.certificate.isEmpty()) {
      tls.keyManager(new File(credentials.certificate), new File(credentials.key));
    }
    URI endpoint = URI.create(credentials.endpoint);
    ChannelCredentials made = tls.build();
    Grpc.call(
        OkHttpChannelBuilder.forAddress(endpoint.getHost(), endpoint.getPort(), made).build());
  }
}
