import com.google.gson.Gson;
import com.google.gson.JsonObject;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCalls;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.Base64;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;

/**
 * Sends one OTLP request per case as Java's OTLP exporters do, and answers what came of it.
 *
 * <p>Reads what chains-server writes, JSON lines {"id", "anchors", "name", "port"}; answers {"id",
 * "outcome", "text"}. The trust manager is made as opentelemetry-java's TlsUtil makes it (a key
 * store with each certificate, the default TrustManagerFactory); `okhttp` and `jdk` are its
 * senders' clients, `grpc` is grpc-netty's channel with a managed channel's TLS. The port is taken
 * as a proxy (or the authority overridden), so that any name can be asked for.
 */
public final class Client {
  private static final int TIMEOUT_SECONDS = 8;

  private interface Sender {
    void send(JsonObject testCase, SSLContext context, X509TrustManager trust) throws Exception;
  }

  public static void main(String[] arguments) throws Exception {
    if (arguments.length > 1) {
      System.out.println(new Gson().toJson(versions()));
      return;
    }
    Sender sender =
        Map.<String, Sender>of("okhttp", Client::okhttp, "jdk", Client::jdk, "grpc", Client::grpc)
            .get(arguments[0]);
    Gson gson = new Gson();
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      JsonObject testCase = gson.fromJson(line, JsonObject.class);
      JsonObject answer = new JsonObject();
      answer.add("id", testCase.get("id"));
      String outcome = "accepted";
      String text = "";
      try {
        X509TrustManager trust = trustManager(testCase);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] {trust}, null);
        sender.send(testCase, context, trust);
      } catch (Exception | StackOverflowError error) {
        outcome = "refused";
        text = describe(error);
      }
      answer.addProperty("outcome", outcome);
      answer.addProperty("text", text);
      System.out.println(gson.toJson(answer));
      System.out.flush();
    }
    System.exit(0);
  }

  /** The runtime's version, and those of the libraries by their jars' names. */
  private static Map<String, String> versions() {
    Map<String, String> found = new TreeMap<>();
    found.put("java", System.getProperty("java.runtime.version"));
    String jars = "(okhttp-jvm|grpc-netty|netty-handler|opentelemetry-exporter-otlp)-([0-9][^/]*)\\.jar";
    Matcher jar = Pattern.compile(jars).matcher(System.getProperty("java.class.path"));
    while (jar.find()) {
      found.put(jar.group(1), jar.group(2));
    }
    return found;
  }

  private static String describe(Throwable error) {
    StringBuilder text = new StringBuilder();
    int depth = 0;
    for (Throwable at = error; at != null && depth < 8; at = at.getCause(), depth++) {
      String message = at.getClass().getSimpleName() + ": " + at.getMessage();
      text.append(text.length() == 0 ? "" : " <- ");
      text.append(message, 0, Math.min(message.length(), 200));
    }
    return text.toString();
  }

  private static X509TrustManager trustManager(JsonObject testCase) throws Exception {
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null);
    CertificateFactory factory = CertificateFactory.getInstance("X.509");
    int index = 0;
    for (var anchor : testCase.getAsJsonArray("anchors")) {
      byte[] der = Base64.getDecoder().decode(anchor.getAsString());
      Certificate certificate = factory.generateCertificate(new ByteArrayInputStream(der));
      store.setCertificateEntry("cert_" + index++, certificate);
    }
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    return (X509TrustManager) trust.getTrustManagers()[0];
  }

  private static int port(JsonObject testCase) {
    return testCase.get("port").getAsInt();
  }

  private static String name(JsonObject testCase) {
    String name = testCase.get("name").getAsString();
    return name.contains(":") ? "[" + name + "]" : name;
  }

  private static String url(JsonObject testCase) {
    return "https://" + name(testCase) + ":" + port(testCase) + "/v1/traces";
  }

  private static void okhttp(JsonObject testCase, SSLContext context, X509TrustManager trust)
      throws Exception {
    InetSocketAddress here = new InetSocketAddress("127.0.0.1", port(testCase));
    OkHttpClient client =
        new OkHttpClient.Builder()
            .callTimeout(Duration.ofSeconds(TIMEOUT_SECONDS))
            .sslSocketFactory(context.getSocketFactory(), trust)
            .proxy(new Proxy(Proxy.Type.HTTP, here))
            .build();
    Request request =
        new Request.Builder().url(url(testCase)).post(RequestBody.create(new byte[0])).build();
    try (Response response = client.newCall(request).execute()) {
      response.body().bytes();
    } finally {
      client.connectionPool().evictAll();
      client.dispatcher().executorService().shutdown();
    }
  }

  private static void jdk(JsonObject testCase, SSLContext context, X509TrustManager trust)
      throws Exception {
    InetSocketAddress here = new InetSocketAddress("127.0.0.1", port(testCase));
    HttpClient client =
        HttpClient.newBuilder()
            .sslContext(context)
            .proxy(ProxySelector.of(here))
            .build();
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(url(testCase)))
            .timeout(Duration.ofSeconds(TIMEOUT_SECONDS))
            .POST(HttpRequest.BodyPublishers.noBody())
            .build();
    client.send(request, HttpResponse.BodyHandlers.discarding());
  }

  private static void grpc(JsonObject testCase, SSLContext context, X509TrustManager trust)
      throws Exception {
    ManagedChannel channel =
        NettyChannelBuilder.forAddress("127.0.0.1", port(testCase))
            .overrideAuthority(name(testCase) + ":" + port(testCase))
            .sslContext(GrpcSslContexts.forClient().trustManager(trust).build())
            .disableRetry()
            .build();
    MethodDescriptor.Marshaller<byte[]> bytes =
        new MethodDescriptor.Marshaller<>() {
          @Override
          public InputStream stream(byte[] value) {
            return new ByteArrayInputStream(value);
          }

          @Override
          public byte[] parse(InputStream stream) {
            return new byte[0];
          }
        };
    MethodDescriptor<byte[], byte[]> export =
        MethodDescriptor.newBuilder(bytes, bytes)
            .setType(MethodDescriptor.MethodType.UNARY)
            .setFullMethodName("opentelemetry.proto.collector.trace.v1.TraceService/Export")
            .build();
    try {
      CallOptions options = CallOptions.DEFAULT.withDeadlineAfter(TIMEOUT_SECONDS, TimeUnit.SECONDS);
      ClientCalls.blockingUnaryCall(channel, export, options, new byte[0]);
    } catch (StatusRuntimeException error) {
      throw error.getCause() instanceof Exception cause ? cause : error;
    } finally {
      channel.shutdownNow();
    }
  }
}
