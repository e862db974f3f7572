%% Erlang's ssl as a server: escript erlang_ssl_server.escript TLS CERT_FILE KEY_FILE CLIENT_CA_FILE
main([Version, Cert, Key, Ca]) ->
    {ok, _} = application:ensure_all_started(ssl),
    Settings = [{certfile, Cert}, {keyfile, Key}, {cacertfile, Ca}, {verify, verify_peer},
                {fail_if_no_peer_cert, true}, {versions, [list_to_atom("tlsv" ++ Version)]},
                {alpn_preferred_protocols, [<<"http/1.1">>]},
                {ip, {127, 0, 0, 1}}, {reuseaddr, true}, {active, false}, binary],
    {ok, Listener} = ssl:listen(0, Settings),
    {ok, {_, Port}} = ssl:sockname(Listener),
    io:format("port ~p~n", [Port]),
    accept(Listener).

accept(Listener) ->
    {ok, Connection} = ssl:transport_accept(Listener),
    spawn(fun() -> answer(Connection) end),
    accept(Listener).

answer(Connection) ->
    case ssl:handshake(Connection, 5000) of
        {ok, Socket} ->
            case ssl:recv(Socket, 0, 5000) of
                {ok, _} -> ssl:send(Socket, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
                {error, closed} -> ok;
                {error, Reason} -> io:format("~p~n", [{error, Reason}])
            end,
            ssl:close(Socket);
        {error, closed} -> ok;
        {error, Reason} -> io:format("~p~n", [{error, Reason}])
    end.
