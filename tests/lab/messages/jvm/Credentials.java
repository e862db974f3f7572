import java.io.ByteArrayInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Provider;
import java.security.Security;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;

/**
 * The four arguments of every client here: endpoint, CA, client certificate, client key.
 *
 * <p>An empty one is not set. The property `provider` names classes of
 * security providers.
 */
final class Credentials {
  final String endpoint;
  final String ca;
  final String certificate;
  final String key;

  Credentials(String[] arguments) {
    endpoint = arguments[0];
    ca = arguments[1];
    certificate = arguments[2];
    key = arguments[3];
    Thread.currentThread().setUncaughtExceptionHandler(Credentials::end);
  }

  /** Prints what the runtime prints by itself, and ends although a client's threads go on. */
  private static void end(Thread thread, Throwable error) {
    System.err.print("Exception in thread \"" + thread.getName() + "\" ");
    error.printStackTrace();
    System.exit(1);
  }

  static void done(Object answer) {
    System.out.println(answer);
    System.exit(0);
  }

  String url() {
    return endpoint.matches(".*:\\d+/?") ? endpoint + "/v1/traces" : endpoint;
  }

  TrustManager[] trust() throws Exception {
    if (ca.isEmpty()) {
      return null;
    }
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    int index = 0;
    for (Certificate each : certificates(ca)) {
      store.setCertificateEntry("ca" + index++, each);
    }
    TrustManagerFactory factory =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(store);
    return factory.getTrustManagers();
  }

  private KeyManager[] keys() throws Exception {
    if (certificate.isEmpty()) {
      return null;
    }
    String pem = Files.readString(Path.of(key));
    String base64 = pem.replaceAll("-----(BEGIN|END) PRIVATE KEY-----", "").replaceAll("\\s", "");
    byte[] der = Base64.getDecoder().decode(base64);
    PrivateKey secret = KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(der));
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    store.setKeyEntry("client", secret, new char[0], certificates(certificate));
    KeyManagerFactory factory =
        KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    factory.init(store, new char[0]);
    return factory.getKeyManagers();
  }

  SSLContext context() throws Exception {
    for (String each : System.getProperty("provider", "").split(",")) {
      if (!each.isEmpty()) {
        Provider made = (Provider) Class.forName(each).getDeclaredConstructor().newInstance();
        Security.insertProviderAt(made, 1);
        if (each.startsWith("org.bouncycastle")) {
          Security.setProperty("ssl.KeyManagerFactory.algorithm", "PKIX");
        }
      }
    }
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys(), trust(), null);
    return context;
  }

  private static Certificate[] certificates(String path) throws Exception {
    byte[] bytes = Files.readAllBytes(Path.of(path));
    return CertificateFactory.getInstance("X.509")
        .generateCertificates(new ByteArrayInputStream(bytes))
        .toArray(new Certificate[0]);
  }
}
