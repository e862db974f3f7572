import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/** java.net.http.HttpClient. */
public final class JdkClient {
  public static void main(String[] arguments) throws Exception {
    Credentials credentials = new Credentials(arguments);
    HttpClient client = HttpClient.newBuilder().sslContext(credentials.context()).build();
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(credentials.url()))
            .timeout(Duration.ofSeconds(5))
            .POST(HttpRequest.BodyPublishers.noBody())
            .build();
    Credentials.done(client.send(request, HttpResponse.BodyHandlers.ofString()));
  }
}
