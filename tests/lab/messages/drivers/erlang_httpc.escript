%% Erlang's httpc, with the line of opentelemetry_exporter: escript erlang_httpc.escript URL CA_FILE [CERT_FILE KEY_FILE]
main([Url, Ca | Pair]) ->
    [{ok, _} = application:ensure_all_started(App) || App <- [ssl, inets]],
    Match = [{customize_hostname_check,
              [{match_fun, public_key:pkix_verify_hostname_match_fun(https)}]}],
    Own = case Pair of
              [Cert, Key] -> [{certfile, Cert}, {keyfile, Key}];
              [] -> []
          end,
    Tls = [{verify, verify_peer}, {cacertfile, Ca}, {depth, 3} | Match ++ Own],
    Request = {Url, [], "application/json", <<"{}">>},
    case httpc:request(post, Request, [{ssl, Tls}, {timeout, 5000}], []) of
        {ok, {{_, 200, _}, _, _}} -> ok;
        {ok, {{_, Code, Message}, _, _}} ->
            io:format("error response from service exported to status=~p ~s~n", [Code, Message]);
        {error, Reason} -> io:format("client error exporting ~p~n", [Reason])
    end,
    timer:sleep(200).
