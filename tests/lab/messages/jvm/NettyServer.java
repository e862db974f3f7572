import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import java.io.File;
import java.net.InetSocketAddress;

/** A Netty server that wants client certificates; the pipeline's end logs what goes wrong. */
public final class NettyServer {
  public static void main(String[] arguments) throws Exception {
    Credentials credentials = new Credentials(arguments);
    SslContext context =
        SslContextBuilder.forServer(new File(credentials.certificate), new File(credentials.key))
            .sslProvider(Boolean.getBoolean("openssl") ? SslProvider.OPENSSL : SslProvider.JDK)
            .trustManager(new File(credentials.ca))
            .clientAuth(ClientAuth.REQUIRE)
            .applicationProtocolConfig(
                new ApplicationProtocolConfig(
                    ApplicationProtocolConfig.Protocol.ALPN,
                    ApplicationProtocolConfig.SelectorFailureBehavior.NO_ADVERTISE,
                    ApplicationProtocolConfig.SelectedListenerFailureBehavior.ACCEPT,
                    "h2"))
            .build();
    var group = new NioEventLoopGroup();
    var channel =
        new ServerBootstrap()
            .group(group)
            .channel(NioServerSocketChannel.class)
            .childHandler(
                new ChannelInitializer<SocketChannel>() {
                  @Override
                  protected void initChannel(SocketChannel accepted) {
                    accepted.pipeline().addLast(context.newHandler(accepted.alloc()));
                  }
                })
            .bind(0)
            .sync()
            .channel();
    System.out.println("ready " + ((InetSocketAddress) channel.localAddress()).getPort());
  }
}
