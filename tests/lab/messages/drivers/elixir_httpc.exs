# httpc as Elixir prints its errors: elixir elixir_httpc.exs URL CA_FILE [CERT_FILE KEY_FILE]
[url, ca | pair] = System.argv()
{:ok, _} = Application.ensure_all_started(:ssl)
{:ok, _} = Application.ensure_all_started(:inets)
own = case pair do
  [cert, key] -> [certfile: cert, keyfile: key]
  [] -> []
end
match = [match_fun: :public_key.pkix_verify_hostname_match_fun(:https)]
tls = [verify: :verify_peer, cacertfile: ca, depth: 3, customize_hostname_check: match] ++ own
request = {String.to_charlist(url), [], 'application/json', "{}"}
case :httpc.request(:post, request, [ssl: tls, timeout: 5000], []) do
  {:ok, {{_, 200, _}, _, _}} -> :ok
  {:ok, {status, _, _}} -> IO.inspect(status)
  {:error, reason} -> IO.puts("[info] client error exporting #{inspect(reason)}")
end
Process.sleep(200)
