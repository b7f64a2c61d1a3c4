/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The HTTP server that calls the handler, a thread for each connection.  It
 * serves on the socket that it is given as standard input (run puts descriptor
 * 3 there, Java takes no other), else on 127.0.0.1 and port http_port (8082).
 * The watchdog sends bodies whole, with their length (buffer_http).  What the
 * handler throws is in the log, and the answer 500.
 */

import com.openfaas.model.AbstractHandler;
import com.openfaas.model.IHandler;
import com.openfaas.model.IResponse;
import com.openfaas.model.Request;
import com.openfaas.model.Response;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

public final class Main {
    private static final String HANDLER = "com.openfaas.function.Handler";
    private static final int LINE_MAX = 65536;
    private static final String FAILED =
        "the function has failed, its log says how\n";
    private static final Set<String> OURS = Set.of("content-length",
        "connection", "transfer-encoding", "content-type");

    private final IHandler handler;

    private Main(IHandler handler) {
        this.handler = handler;
    }

    public static void main(String[] args) throws Exception {
        IHandler handler = (IHandler) Class.forName(HANDLER)
            .getDeclaredConstructor().newInstance();

        if (handler instanceof AbstractHandler) {
            ((AbstractHandler) handler).init();
        }

        // the watchdog sends SIGTERM when nothing is in flight any more
        Runtime.getRuntime().addShutdownHook(new Thread(
            () -> Runtime.getRuntime().halt(0)));

        new Main(handler).listen();
    }

    private void listen() throws IOException {
        ExecutorService pool = Executors.newCachedThreadPool();

        try (ServerSocketChannel server = listener()) {
            while (true) {
                SocketChannel client = server.accept();
                pool.execute(() -> serve(client));
            }
        }
    }

    private static ServerSocketChannel listener() throws IOException {
        if ("1".equals(System.getenv("LISTEN_FDS"))) {
            return (ServerSocketChannel) System.inheritedChannel();
        }

        int port = Integer.parseInt(
            System.getenv().getOrDefault("http_port", "8082"));

        return ServerSocketChannel.open()
            .bind(new InetSocketAddress("127.0.0.1", port), 512);
    }

    private void serve(SocketChannel client) {
        try (client) {
            InputStream in = new BufferedInputStream(
                Channels.newInputStream(client));
            OutputStream out = Channels.newOutputStream(client);
            Request request;

            while ((request = receive(in)) != null) {
                answer(out, request, call(request));

                if ("close".equalsIgnoreCase(request.getHeader("Connection"))) {
                    break;
                }
            }
        } catch (IOException | IllegalArgumentException e) {
            // the client has left, or is none
        }
    }

    /* Null at the end of the connection. */
    private static Request receive(InputStream in) throws IOException {
        String line = line(in);

        if (line == null) {
            return null;
        }

        String[] words = line.split(" ");
        Map<String, String> headers = new TreeMap<>(
            String.CASE_INSENSITIVE_ORDER);

        while ((line = line(in)) != null && !line.isEmpty()) {
            String[] parts = line.split(":", 2);
            headers.merge(parts[0], parts.length > 1 ? parts[1].trim() : "",
                (one, two) -> one + ", " + two);
        }

        if (line == null || words.length != 3
                || headers.containsKey("Transfer-Encoding")) {
            return null;
        }

        int length = Integer.parseInt(
            headers.getOrDefault("Content-Length", "0"));
        byte[] body = in.readNBytes(length);

        return body.length == length
            ? new Request(words[0], words[1], headers, body) : null;
    }

    private static String line(InputStream in) throws IOException {
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        int c;

        while ((c = in.read()) != '\n') {
            if (c < 0 || text.size() == LINE_MAX) {
                return null;
            }
            text.write(c);
        }

        return text.toString(StandardCharsets.ISO_8859_1).stripTrailing();
    }

    private IResponse call(Request request) {
        try {
            IResponse response = handler.Handle(request);

            if (response == null) {
                throw new NullPointerException("Handle() has returned null");
            }

            response.getHeaders().forEach(Main::check);
            return response;

        } catch (Throwable e) {
            e.printStackTrace();

            IResponse response = new Response();
            response.setStatusCode(500);
            response.setBody(FAILED);
            return response;
        }
    }

    private static void check(String name, String value) {
        if ((name + value).matches("(?s).*[\r\n].*")) {
            throw new IllegalArgumentException("a line break in the header "
                + name);
        }
    }

    private static void answer(OutputStream out, Request request,
            IResponse response) throws IOException {
        int status = response.getStatusCode();
        byte[] body = response.getBodyData();
        boolean isBare = status == 204 || status == 304;
        StringBuilder head = new StringBuilder("HTTP/1.1 " + status + " "
            + (status == 200 ? "OK" : "Status") + "\r\n");
        String type = response.getHeader("Content-Type");

        if (body == null) {
            String text = response.getBody();
            body = (text == null ? "" : text).getBytes(StandardCharsets.UTF_8);
        }

        type = type == null ? response.getContentType() : type;

        if (type != null && !isBare) {
            head.append("Content-Type: " + type + "\r\n");
        }

        response.getHeaders().forEach((name, value) -> {
            if (!OURS.contains(name.toLowerCase())) {
                head.append(name + ": " + value + "\r\n");
            }
        });

        if (!isBare) {
            head.append("Content-Length: " + body.length + "\r\n");
        }

        head.append("\r\n");

        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.writeBytes(head.toString().getBytes(StandardCharsets.ISO_8859_1));

        if (!isBare && !request.getMethod().equals("HEAD")) {
            bytes.writeBytes(body);
        }

        out.write(bytes.toByteArray());
    }
}
