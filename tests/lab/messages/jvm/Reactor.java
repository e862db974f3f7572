import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.io.File;
import java.time.Duration;
import reactor.netty.http.client.HttpClient;

/** Reactor Netty, as in Spring's WebClient; the property `openssl` asks for netty-tcnative. */
public final class Reactor {
  public static void main(String[] arguments) throws Exception {
    Credentials credentials = new Credentials(arguments);
    SslContextBuilder context =
        SslContextBuilder.forClient()
            .sslProvider(Boolean.getBoolean("openssl") ? SslProvider.OPENSSL : SslProvider.JDK);
    if (!credentials.ca.isEmpty()) {
      context.trustManager(new File(credentials.ca));
    }
    if (!credentials.certificate.isEmpty()) {
      context.keyManager(new File(credentials.certificate), new File(credentials.key));
    }
    var made = context.build();
    Credentials.done(
        HttpClient.create()
            .secure(tls -> tls.sslContext(made))
            .responseTimeout(Duration.ofSeconds(5))
            .post()
            .uri(credentials.url())
            .response()
            .block());
  }
}
