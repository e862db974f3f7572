import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.X509CertSelector;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.concurrent.Executors;
import javax.net.ssl.CertPathTrustManagerParameters;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;

/**
 * OTLP/HTTP backends of the JDK alone: its HttpsServer, or a loop of our own over SSLServerSocket.
 *
 * <p>Usage: JsseServer httpserver|socket VERSION DAYS KEYSTORE [CLIENT_CA_FILE [CRL_FILE]]. The
 * keystore is PKCS#12 with the password "changeit"; client certificates are judged as of so many
 * DAYS ahead. It prints its port and answers every request with an empty Export response over
 * HTTP/1.1.
 */
final class JsseServer {
    private static final char[] PASSWORD = "changeit".toCharArray();
    private static final InetSocketAddress ANY_PORT =
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

    public static void main(String[] arguments) throws Exception {
        SSLContext context = SSLContext.getInstance("TLS");
        boolean asks = arguments.length > 4;
        context.init(
                keys(arguments[3]).getKeyManagers(),
                asks ? trust(arguments) : null,
                null);
        SSLParameters parameters = context.getDefaultSSLParameters();
        parameters.setProtocols(new String[] {"TLSv" + arguments[1]});
        parameters.setNeedClientAuth(asks);
        if (arguments[0].equals("httpserver")) {
            serveHttp(context, parameters);
        } else {
            serveSockets(context, parameters);
        }
    }

    private static KeyManagerFactory keys(String file) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream stream = Files.newInputStream(Path.of(file))) {
            store.load(stream, PASSWORD);
        }
        KeyManagerFactory factory =
                KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        factory.init(store, PASSWORD);
        return factory;
    }

    private static TrustManager[] trust(String[] arguments) throws Exception {
        CertificateFactory x509 = CertificateFactory.getInstance("X.509");
        KeyStore anchors = KeyStore.getInstance("PKCS12");
        anchors.load(null, null);
        try (InputStream stream = Files.newInputStream(Path.of(arguments[4]))) {
            for (Certificate each : x509.generateCertificates(stream)) {
                anchors.setCertificateEntry("ca-" + anchors.size(), each);
            }
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
        int days = Integer.parseInt(arguments[2]);
        boolean looksForRevocation = arguments.length > 5;
        if (days == 0 && !looksForRevocation) {
            factory.init(anchors);
            return factory.getTrustManagers();
        }
        PKIXBuilderParameters checks = new PKIXBuilderParameters(anchors, new X509CertSelector());
        checks.setDate(Date.from(Instant.now().plus(Duration.ofDays(days))));
        checks.setRevocationEnabled(looksForRevocation);
        if (looksForRevocation) {
            try (InputStream stream = Files.newInputStream(Path.of(arguments[5]))) {
                CollectionCertStoreParameters lists =
                        new CollectionCertStoreParameters(x509.generateCRLs(stream));
                checks.addCertStore(CertStore.getInstance("Collection", lists));
            }
        }
        factory.init(new CertPathTrustManagerParameters(checks));
        return factory.getTrustManagers();
    }

    private static void serveHttp(SSLContext context, SSLParameters parameters)
            throws IOException {
        HttpsServer server = HttpsServer.create(ANY_PORT, 0);
        server.setHttpsConfigurator(
                new HttpsConfigurator(context) {
                    @Override
                    public void configure(HttpsParameters connection) {
                        connection.setSSLParameters(parameters);
                    }
                });
        server.createContext(
                "/",
                exchange -> {
                    exchange.getRequestBody().readAllBytes();
                    exchange.getResponseHeaders().set("Content-Type", "application/x-protobuf");
                    exchange.sendResponseHeaders(200, -1);
                    exchange.close();
                });
        server.setExecutor(Executors.newCachedThreadPool());
        server.start();
        System.out.println("port " + server.getAddress().getPort());
    }

    private static void serveSockets(SSLContext context, SSLParameters parameters)
            throws IOException {
        SSLServerSocket listener =
                (SSLServerSocket) context.getServerSocketFactory().createServerSocket();
        parameters.setApplicationProtocols(new String[] {"http/1.1"});
        listener.setSSLParameters(parameters);
        listener.bind(ANY_PORT);
        System.out.println("port " + listener.getLocalPort());
        while (true) {
            SSLSocket connection = (SSLSocket) listener.accept();
            new Thread(() -> answer(connection)).start();
        }
    }

    private static void answer(SSLSocket connection) {
        try (connection) {
            InputStream input = connection.getInputStream();
            int length = 0;
            for (String line = line(input); !line.isEmpty(); line = line(input)) {
                if (line.toLowerCase().startsWith("content-length:")) {
                    length = Integer.parseInt(line.substring(15).trim());
                }
            }
            input.readNBytes(length);
            connection.getOutputStream().write(
                    ("HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\n"
                                    + "Content-Length: 0\r\nConnection: close\r\n\r\n")
                            .getBytes(StandardCharsets.US_ASCII));
        } catch (IOException error) {
            System.out.println(error);
        }
    }

    private static String line(InputStream input) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int next = input.read(); next != '\n'; next = input.read()) {
            if (next < 0) {
                throw new IOException("the peer ended within a request");
            }
            line.append((char) next);
        }
        return line.toString().trim();
    }
}
