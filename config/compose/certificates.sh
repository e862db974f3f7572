#!/bin/sh
# Makes the certificates of compose.yaml in the folder $TLS (/tls).
#
#   certificates.sh once                what is missing: authorities, the Collector's, the exporter's
#   certificates.sh another-client-ca   has the Collector trust another client CA instead
#   certificates.sh client-ca           has it trust the first client CA again
set -eu
umask 077

tls=${TLS:-/tls}
authorities=$tls/authorities
collector=$tls/collector
exporter=$tls/exporter
# Users of the images: otel/opentelemetry-collector, mtls-probe.
collector_user=10001
exporter_user=65532

certificate() {    # FILES SUBJECT [OPTION…]: FILES.crt and FILES.key, valid for 30 days
  files=$1 subject=$2
  shift 2
  # A separate configuration, because the system's would add extensions.
  printf '[req]\ndistinguished_name = dn\n[dn]\n' >"$authorities/openssl.cnf"
  openssl req -config "$authorities/openssl.cnf" -x509 -days 30 -sha256 -subj "$subject" \
    -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$files.key" -out "$files.crt" \
    -addext keyUsage=critical,"$key_usage" -addext basicConstraints=critical,"$basic" "$@" \
    2>/dev/null
}

authority() {    # NAME
  [ -s "$authorities/$1.crt" ] && return
  basic=CA:TRUE key_usage=keyCertSign,cRLSign
  certificate "$authorities/$1" "/CN=$1"
}

end_entity() {    # FOLDER AUTHORITY USAGE NAME
  [ -s "$1/tls.crt" ] && return
  basic=CA:FALSE key_usage=digitalSignature
  certificate "$1/tls" "/CN=$4" -CA "$authorities/$2.crt" -CAkey "$authorities/$2.key" \
    -addext extendedKeyUsage="$3" -addext subjectAltName="DNS:$4,DNS:localhost"
}

trust() {    # AUTHORITY: whose client certificates the Collector takes
  cat "$authorities/$1.crt" >"$collector/client-ca.crt"
}

own() {    # FOLDER USER
  if [ "$(id -u)" -eq 0 ]; then
    chown -R "$2" "$1"
  fi
  chmod 700 "$1"
}

mkdir -p "$authorities" "$collector" "$exporter"
case ${1:-once} in
once)
  authority server-ca
  authority client-ca
  end_entity "$collector" server-ca serverAuth collector
  end_entity "$exporter" client-ca clientAuth exporter
  cat "$authorities/server-ca.crt" >"$exporter/ca.crt"
  [ -s "$collector/client-ca.crt" ] || trust client-ca
  ;;
another-client-ca)
  authority another-client-ca
  trust another-client-ca
  ;;
client-ca)
  trust client-ca
  ;;
*)
  echo "usage: certificates.sh once | another-client-ca | client-ca" >&2
  exit 2
  ;;
esac
own "$collector" "$collector_user"
own "$exporter" "$exporter_user"
