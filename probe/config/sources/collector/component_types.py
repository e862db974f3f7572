"""The component types of the distributions that OpenTelemetry and vendors release.

Which build runs is not known: a type that is listed for another kind of component, or is close to one
that is listed, is a mistake; one that nobody lists may be somebody's own, and is not judged.
"""

from typing import Final

from probe.config.errors import find_nearest
from probe.config.sources.collector.known_components import KnownCollector

_LISTED: Final = {
    "connectors": "count datadog exceptions failover forward grafanacloud metricsaslogs otlp_json otlpjson "
    "otlp_encoding roundrobin round_robin routing servicegraph service_graph signaltometrics signal_to_metrics slowsql "
    "spanmetrics span_metrics sum",
    "exporters": "alertmanager alibabacloud_logservice awscloudwatchlogs awsemf awskinesis awss3 awsxray azureblob "
    "azuredataexplorer azuremonitor bmchelix carbon cassandra chronicle clickhouse coralogix datadog dataset "
    "debug doris dynatrace elasticsearch faro file googlecloud googlecloudpubsub googlecloudstorage "
    "googlemanagedprometheus honeycombmarker influxdb kafka kinesis loadbalancing load_balancing "
    "logicmonitor logzio mezmo nop opensearch otelarrow otlp otlp_grpc otlp_http otlphttp prometheus "
    "prometheusremotewrite prometheus_remote_write pulsar rabbitmq sapm sentry signalfx splunk_hec stef "
    "sumologic syslog tencentcloud_logservice tinybird zipkin",
    "extensions": "ack asapclient avro_log_encoding awscloudwatchmetricstreams_encoding awslogs_encoding "
    "aws_logs_encoding awsproxy azure_auth azure_encoding basicauth bearertokenauth cgroupruntime "
    "cgroup_runtime datadog db_storage docker_observer ecs_observer ecs_task_observer file_storage googleclientauth "
    "googlecloudlogentry_encoding headers_setter health_check healthcheckv2 host_observer http_forwarder "
    "jaeger_encoding jaegerremotesampling json_log_encoding k8s_leader_elector k8s_observer k8s_api_proxy "
    "kafka_topics_observer memory_limiter oauth2client oidc opamp otlp_encoding pprof redis_storage "
    "remotetap sigv4auth skywalking_encoding solarwindsapmsettings sumologic text_encoding "
    "zipkin_encoding zpages cloudfoundry_storage",
    "processors": "attributes batch coralogix cumulativetodelta cumulative_to_delta deltatocumulative "
    "delta_to_cumulative deltatorate delta_to_rate dns_lookup filter geoip groupbyattrs groupbytrace interval "
    "isolationforest k8sattributes k8s_attributes logdedup logstransform logs_transform lookup "
    "memory_limiter metricsgeneration metrics_generation metricstarttime metrics_start_time "
    "metricstransform metrics_transform probabilistic_sampler redaction remotetap resource "
    "resourcedetection resource_detection schema span sumologic tail_sampling transform unroll "
    "experimental_metricsgeneration",
    "receivers": "active_directory_ds activedirectoryds aerospike apache apachespark awscloudwatch "
    "awscontainerinsightreceiver awscontainerinsight awsecscontainermetrics awsfirehose awslambda awss3 awsxray "
    "azureblob azureeventhub azuremonitor azurefunctions bigip carbon chrony ciscoos cloudflare "
    "cloudfoundry collectd couchdb datadog docker_stats elasticsearch envoyals expvar faro file_log "
    "filelog filestats flinkmetrics fluent_forward fluentforward github gitlab googlecloudmonitoring "
    "googlecloudpubsub googlecloudpubsubpush googlecloudspanner haproxy host_metrics hostmetrics httpcheck "
    "http_check huaweicloudces ibmmq icmpcheck iis influxdb jaeger jmx journald k8s_cluster k8s_events "
    "k8slog k8sobjects k8s_objects kafka kafkametrics kafka_metrics kubeletstats kubelet_stats kubletstats "
    "libhoney loki macosunifiedlogging macos_unified_logging memcached mongodb mongodbatlas mysql "
    "namedpipe netflow nginx nop nsxt ntp opencensus oracledb osquery otelarrow otlp otlpjsonfile podman_stats "
    "postgresql pprof prometheus prometheus_remote_write prometheusremotewrite prometheus_simple "
    "pulsar purefa purefb rabbitmq receiver_creator redfish redis riak saphana signalfx signalfx_gateway_prometheus_remote_write "
    "simpleprometheus skywalking smartagent snmp snowflake solace splunk_hec splunkenterprise sqlquery "
    "sqlserver sshcheck statsd stef syslog systemd tcpcheck tcplog tcp_log tlscheck tls_check udplog "
    "udp_log vcenter vcr vr wavefront webhookevent windows_event_log windowseventlog "
    "windowsperfcounters windows_perf_counters windowsservice yanggrpc zipkin zookeeper profiling",
}  # fmt: skip
"""By section, the types; an older and a newer name of one are both listed."""

REMOVED: Final = {
    ("exporters", "logging"): (
        "is not known any more: use the debug exporter",
        "the logging exporter has been deprecated, use the debug exporter instead",
    ),
    ("exporters", "jaeger"): ("is not known any more: use otlp", "unknown type"),
    ("exporters", "opencensus"): ("is not known any more: use otlp", "unknown type"),
    ("exporters", "loki"): ("is not known any more: use otlphttp", "unknown type"),
    ("extensions", "memory_ballast"): (
        "is not known any more: set GOMEMLIMIT instead", "unknown type",
    ),
    ("processors", "spanmetrics"): (
        "is not known any more: use the spanmetrics connector", "unknown type",
    ),
    ("processors", "servicegraph"): (
        "is not known any more: use the servicegraph connector", "unknown type",
    ),
}  # fmt: skip
"""Types that earlier releases had: what is wrong now, and the Collector's words."""


def list_types(section: str, known: KnownCollector) -> frozenset[str]:
    """Return every type that is known for `section`."""
    return frozenset(_LISTED[section].split()) | frozenset(known.components.get(section, ()))


def find_misnamed(section: str, kind: str, known: KnownCollector) -> tuple[str, str | None] | None:
    """Return what is wrong with the type `kind` and the nearest known one; None where nothing is."""
    listed = list_types(section, known)
    if kind in listed:
        return None
    elsewhere = [
        other for other in _LISTED if other != section and kind in list_types(other, known)
    ]
    if elsewhere:
        return f"is a type of {' and '.join(elsewhere)}, not of {section}", None
    nearest = find_nearest(kind, sorted(listed))
    return None if nearest is None else ("is an unknown type", nearest)
