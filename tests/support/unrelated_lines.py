"""Log lines that have nothing to do with TLS, generated from the forms of real logs.

`explain` must make nothing of them, though many have words that errors of TLS have as well.
"""

import random
import re
from collections.abc import Iterator
from typing import Final

FORMS: Final = """
{hdfs} INFO dfs.DataNode$PacketResponder: PacketResponder {n} for block blk_{big} terminating
{hdfs} INFO dfs.FSNamesystem: BLOCK* NameSystem.addStoredBlock: blockMap updated: {ip}:50010 is added to blk_{big} size {big}
{hdfs} INFO dfs.DataNode$DataXceiver: Receiving block blk_{big} src: /{ip}:{port} dest: /{ip}:50010
{hdfs} WARN dfs.DataNode$DataXceiver: {ip}:50010:Got exception while serving blk_{big} to /{ip}:
{hdfs} ERROR dfs.DataNode: checksum mismatch for block blk_{big}, expected {hex} but was {hex}
{hdfs} INFO dfs.DataBlockScanner: Verification succeeded for blk_{big}
{hdfs} WARN dfs.PendingReplicationBlocks$PendingReplicationMonitor: PendingReplicationMonitor timed out block blk_{big}
{iso},{ms} - INFO  [NIOServerCxn.Factory:0.0.0.0/0.0.0.0:2181:NIOServerCnxn@1001] - Closed socket connection for client /{ip}:{port} which had sessionid 0x{hex}
{iso},{ms} - WARN  [QuorumPeer[myid=1]/0:0:0:0:0:0:0:0:2181:QuorumCnxManager@368] - Cannot open channel to 2 at election address /{ip}:3888
{iso},{ms} - INFO  [SessionTracker:ZooKeeperServer@325] - Expiring session 0x{hex}, timeout of 10000ms exceeded
{iso},{ms} - WARN  [RecvWorker:188978561024:QuorumCnxManager$RecvWorker@762] - Connection broken for id 188978561024, my id = 1, error =
{iso},{ms} - INFO  [/{ip}:3888:QuorumCnxManager$Listener@493] - Received connection request /{ip}:{port}
{iso},{ms} - INFO  [ProcessThread(sid:0 cport:-1)::PrepRequestProcessor@476] - Processed session termination for sessionid: 0x{hex}
{iso},{ms} INFO [main] org.apache.hadoop.mapreduce.v2.app.MRAppMaster: Created MRAppMaster for application appattempt_{big}_0001_000002
{iso},{ms} WARN [LeaseRenewer:msrabi@{host}:9000] org.apache.hadoop.hdfs.LeaseRenewer: Failed to renew lease for [DFSClient_NONMAPREDUCE_{n}_1] for {n} seconds. Will retry shortly ...
{iso},{ms} INFO [RMCommunicator Allocator] org.apache.hadoop.mapreduce.v2.app.rm.RMContainerAllocator: Recalculating schedule, headroom=<memory:{n}, vCores:-{n}>
{iso},{ms} INFO [AsyncDispatcher event handler] org.apache.hadoop.mapreduce.v2.app.job.impl.TaskAttemptImpl: attempt_{big}_m_000003_0 TaskAttempt Transitioned from RUNNING to SUCCESS_CONTAINER_CLEANUP
{iso},{ms} ERROR [ContainerLauncher #{n}] org.apache.hadoop.yarn.event.AsyncDispatcher: Error in dispatcher thread, task killed on timeout
{sys} combo sshd(pam_unix)[{pid}]: authentication failure; logname= uid=0 euid=0 tty=NODEVssh ruser= rhost={ip}
{sys} {host} sshd[{pid}]: Failed password for invalid user {user} from {ip} port {port} ssh2
{sys} {host} sshd[{pid}]: Accepted publickey for {user} from {ip} port {port} ssh2: ED25519 SHA256:{b64}
{sys} {host} sshd[{pid}]: Connection closed by authenticating user {user} {ip} port {port} [preauth]
{sys} {host} sshd[{pid}]: Received disconnect from {ip}: 11: Bye Bye [preauth]
{sys} {host} sshd[{pid}]: error: maximum authentication attempts exceeded for {user} from {ip} port {port} ssh2 [preauth]
{sys} {host} sshd[{pid}]: pam_unix(sshd:session): session closed for user {user}
{sys} {host} su[{pid}]: pam_unix(su:auth): authentication failure; logname={user} uid=1000 euid=0 tty=/dev/pts/0 ruser={user} rhost=  user=root
{sys} {host} sudo[{pid}]: {user} : command not allowed ; TTY=pts/1 ; PWD=/home/{user} ; USER=root ; COMMAND=/usr/bin/apt update
{sys} combo ftpd[{pid}]: connection from {ip} ({host}) at Sat Jun 18 02:08:10 2005
{sys} {host} CRON[{pid}]: (root) CMD (   cd / && run-parts --report /etc/cron.hourly)
{sys} {host} crond[{pid}]: (CRON) bad minute (/etc/cron.d/{service})
{sys} {host} cron[{pid}]: (root) FAILED to open PAM security session (Permission denied)
{sys} {host} systemd[1]: Started {service}.service - {title}.
{sys} {host} systemd[1]: {service}.service: Main process exited, code=exited, status=1/FAILURE
{sys} {host} systemd[1]: {service}.service: Failed with result 'timeout'.
{sys} {host} systemd[1]: {service}.service: Start request repeated too quickly.
{sys} {host} systemd[1]: Dependency failed for {title}.
{sys} {host} systemd[1]: certbot.service: Deactivated successfully.
{sys} {host} systemd-logind[{pid}]: New session {n} of user {user}.
{sys} {host} systemd-resolved[{pid}]: Clock change detected. Flushing caches.
{sys} {host} systemd-timesyncd[{pid}]: Initial clock synchronization to Thu {iso} UTC.
{sys} {host} systemd-timesyncd[{pid}]: System clock time unset or jumped backwards, restoring from recorded timestamp
{sys} {host} kernel: [{n}.{ms}] Out of memory: Killed process {pid} ({service}) total-vm:{big}kB, anon-rss:{big}kB
{sys} {host} kernel: [{n}.{ms}] EXT4-fs (sda1): re-mounted. Opts: errors=remount-ro
{sys} {host} kernel: [{n}.{ms}] nf_conntrack: table full, dropping packet
{sys} {host} kernel: [{n}.{ms}] audit: type=1400 audit({big}.{ms}:{n}): apparmor="DENIED" operation="open" profile="snap.{service}" name="/proc/{pid}/mounts" comm="{service}" requested_mask="r" denied_mask="r"
{sys} {host} kernel: [{n}.{ms}] usb 1-1: device descriptor read/64, error -71
{sys} {host} kernel: [{n}.{ms}] {service}[{pid}]: segfault at 0 ip 00007f{hex} sp 00007ffe{hex} error 4 in libc.so.6
{sys} {host} kernel: [{n}.{ms}] TCP: request_sock_TCP: Possible SYN flooding on port 8080. Sending cookies.
{sys} {host} dhclient[{pid}]: DHCPREQUEST for {ip} on eth0 to {ip} port 67
{sys} {host} NetworkManager[{pid}]: <info>  [{big}.{ms}] dhcp4 (eth0): state changed bound -> expired
{sys} {host} postfix/smtpd[{pid}]: lost connection after AUTH from unknown[{ip}]
{sys} {host} postfix/smtp[{pid}]: {hex}: to=<{user}@example.com>, relay=none, delay=30, status=deferred (mailbox full)
{sys} {host} named[{pid}]: client @0x7f{hex} {ip}#{port} (example.com): query (cache) 'example.com/A/IN' denied
{sys} {host} ntpd[{pid}]: kernel reports TIME_ERROR: 0x41: Clock Unsynchronized
{sys} {host} smartd[{pid}]: Device: /dev/sda [SAT], {n} Currently unreadable (pending) sectors
{sys} {host} rsyslogd[{pid}]: action 'action-0-builtin:omfile' resumed (module 'builtin:omfile')
{clf} "GET /api/v1/orders?id={n} HTTP/1.1" 200 {n} "-" "Mozilla/5.0 (X11; Linux x86_64)"
{clf} "GET /.well-known/acme-challenge/{b64} HTTP/1.1" 404 {n} "-" "-"
{clf} "POST /login HTTP/1.1" 403 {n} "https://shop.example.com/" "curl/8.5.0"
{clf} "GET /robots.txt HTTP/2.0" 304 0 "-" "Googlebot/2.1"
{clf} "PUT /upload/{n} HTTP/1.1" 413 {n} "-" "python-requests/2.31"
{clf} "GET /health HTTP/1.1" 503 {n} "-" "kube-probe/1.29"
[{apache}] [error] [client {ip}] File does not exist: /var/www/html/favicon.ico
[{apache}] [notice] workerEnv.init() ok /etc/httpd/conf/workers2.properties
[{apache}] [error] mod_jk child workerEnv in error state {n}
[{apache}] [core:error] [pid {pid}] [client {ip}:{port}] AH00037: Symbolic link not allowed or link target not accessible: /var/www/html/data
[{apache}] [authz_core:error] [pid {pid}] [client {ip}:{port}] AH01630: client denied by server configuration: /var/www/html/.git
[{apache}] [mpm_event:notice] [pid {pid}:tid {n}] AH00489: Apache/2.4.57 (Debian) configured -- resuming normal operations
[{apache}] [php:error] [pid {pid}] [client {ip}:{port}] PHP Fatal error:  Uncaught TypeError: Invalid argument supplied for foreach() in /var/www/html/index.php:{n}
{ng} [error] {pid}#{pid}: *{n} open() "/usr/share/nginx/html/favicon.ico" failed (2: No such file or directory), client: {ip}, server: localhost, request: "GET /favicon.ico HTTP/1.1"
{ng} [warn] {pid}#{pid}: *{n} a client request body is buffered to a temporary file /var/cache/nginx/client_temp/{n}, client: {ip}
{ng} [error] {pid}#{pid}: *{n} limiting requests, excess: {n}.{ms} by zone "api", client: {ip}, server: shop.example.com
{ng} [emerg] {pid}#{pid}: bind() to 0.0.0.0:80 failed (98: Address already in use)
{iso}.{ms} UTC [{pid}] {user}@shop ERROR:  permission denied for table {table}
{iso}.{ms} UTC [{pid}] {user}@shop STATEMENT:  SELECT * FROM {table} WHERE id = {n}
{iso}.{ms} UTC [{pid}] {user}@shop ERROR:  relation "{table}" does not exist at character {n}
{iso}.{ms} UTC [{pid}] {user}@shop ERROR:  duplicate key value violates unique constraint "{table}_pkey"
{iso}.{ms} UTC [{pid}] {user}@shop FATAL:  password authentication failed for user "{user}"
{iso}.{ms} UTC [{pid}] {user}@shop ERROR:  canceling statement due to statement timeout
{iso}.{ms} UTC [{pid}] LOG:  checkpoint complete: wrote {n} buffers (1.3%); 0 WAL file(s) added, 0 removed, 1 recycled
{iso}.{ms} UTC [{pid}] LOG:  could not receive data from client: Connection reset by peer
{iso}.{ms} UTC [{pid}] {user}@shop ERROR:  invalid input syntax for type uuid: "{hex}"
{iso}.{ms} UTC [{pid}] {user}@shop ERROR:  deadlock detected
{iso}.{ms} UTC [{pid}] {user}@shop FATAL:  remaining connection slots are reserved for non-replication superuser connections
psql: error: connection to server at "{ip}", port 5432 failed: Connection refused
psycopg2.OperationalError: could not connect to server: Connection refused
{iso}T00:00:00.{ms}Z {n} [Warning] [MY-013360] [Server] Plugin mysql_native_password reported: ''mysql_native_password' is deprecated'
{iso}T00:00:00.{ms}Z {n} [Note] Aborted connection {n} to db: 'shop' user: '{user}' host: '{ip}' (Got timeout reading communication packets)
{iso}T00:00:00.{ms}Z 0 [ERROR] [MY-012574] [InnoDB] Unable to lock ./ibdata1 error: 11
ERROR 1045 (28000): Access denied for user '{user}'@'{ip}' (using password: YES)
ERROR 1142 (42000): SELECT command denied to user '{user}'@'{ip}' for table '{table}'
{pid}:M {redis} # Background saving error
{pid}:M {redis} * {n} changes in 300 seconds. Saving...
{pid}:S {redis} * MASTER <-> REPLICA sync: Finished with success
{pid}:S {redis} # Error condition on socket for SYNC: Connection refused
redis.exceptions.ConnectionError: Error 111 connecting to {ip}:6379. Connection refused.
redis.exceptions.ResponseError: WRONGTYPE Operation against a key holding the wrong kind of value
(error) NOAUTH Authentication required.
[{iso},{ms}] INFO [GroupCoordinator 1]: Member consumer-{service}-{n} in group {service} has left, removing it from the group (kafka.coordinator.group.GroupCoordinator)
[{iso},{ms}] WARN [Consumer clientId={service}, groupId={service}] Offset commit failed on partition {table}-0 at offset {n}: The coordinator is not aware of this member. (org.apache.kafka.clients.consumer.internals.ConsumerCoordinator)
[{iso},{ms}] WARN [Producer clientId={service}] Error while fetching metadata with correlation id {n} : {{{table}=UNKNOWN_TOPIC_OR_PARTITION}} (org.apache.kafka.clients.NetworkClient)
[{iso},{ms}] INFO [SocketServer listenerType=ZK_BROKER, nodeId=1] Started data-plane acceptor and processor(s) for endpoint : ListenerName(INTERNAL) (kafka.network.SocketServer)
[{iso},{ms}] ERROR Error while creating ephemeral at /brokers/ids/1, node already exists (kafka.zk.KafkaZkClient$CheckedEphemeral)
[{iso},{ms}] WARN [ReplicaFetcher replicaId=2, leaderId=1, fetcherId=0] Partition {table}-{n} marked as failed (kafka.server.ReplicaFetcherThread)
[{iso},{ms}][WARN ][o.e.m.j.JvmGcMonitorService] [{host}] [gc][{n}] overhead, spent [{ms}ms] collecting in the last [1s]
[{iso},{ms}][INFO ][o.e.c.r.a.AllocationService] [{host}] Cluster health status changed from [YELLOW] to [GREEN] (reason: [shards started [[{table}][0]]]).
[{iso},{ms}][WARN ][o.e.c.r.a.DiskThresholdMonitor] [{host}] high disk watermark [90%] exceeded on [{hex}][{host}], shards will be relocated away from this node
[{iso},{ms}][ERROR][o.e.b.Bootstrap] [{host}] node validation exception: max virtual memory areas vm.max_map_count [65530] is too low
elasticsearch.exceptions.NotFoundError: NotFoundError(404, 'index_not_found_exception', 'no such index [{table}]')
elasticsearch.exceptions.RequestError: RequestError(400, 'mapper_parsing_exception', 'failed to parse field [{table}]')
{iso}.{ms}  INFO {pid} --- [           main] o.s.b.w.embedded.tomcat.TomcatWebServer  : Tomcat started on port(s): 8080 (http) with context path ''
{iso}.{ms} ERROR {pid} --- [nio-8080-exec-{n}] o.a.c.c.C.[.[.[/].[dispatcherServlet]    : Servlet.service() for servlet [dispatcherServlet] threw exception [Request processing failed: java.lang.IllegalArgumentException: Invalid argument]
{iso}.{ms}  WARN {pid} --- [l-1 housekeeper] com.zaxxer.hikari.pool.HikariPool        : HikariPool-1 - Thread starvation or clock leap detected (housekeeper delta=58s{ms}ms).
{iso}.{ms} ERROR {pid} --- [   scheduling-1] o.s.s.s.TaskUtils$LoggingErrorHandler    : Unexpected error occurred in scheduled task: job timed out after {n} s
{iso}.{ms}  WARN {pid} --- [nio-8080-exec-{n}] o.s.w.s.m.m.a.ExceptionHandlerExceptionResolver : Resolved [org.springframework.web.bind.MethodArgumentNotValidException: Validation failed for argument [0]]
{iso}.{ms} ERROR {pid} --- [ntainer#0-0-C-1] o.s.k.l.KafkaMessageListenerContainer    : Consumer exception in listener {table}-listener
{iso}.{ms}  INFO {pid} --- [inbound-{n}] c.e.shop.InboundOrderHandler             : inbound order {n} accepted by listener
java.sql.SQLTransientConnectionException: HikariPool-1 - Connection is not available, request timed out after 30000ms.
org.hibernate.exception.ConstraintViolationException: could not execute statement
java.lang.NullPointerException: Cannot invoke "String.length()" because "{user}" is null
io.jsonwebtoken.ExpiredJwtException: JWT expired at {iso}Z. Current time: {iso}Z, a difference of {n} milliseconds.
com.fasterxml.jackson.core.JsonParseException: Unexpected character ('<' (code 60)): expected a valid value
[{iso},{ms}] WARNING django.request: Not Found: /api/{table}/{n}/
[{iso},{ms}] ERROR django.request: Internal Server Error: /checkout/
django.db.utils.ProgrammingError: permission denied for table {table}
django.core.exceptions.DisallowedHost: Invalid HTTP_HOST header: '{host}.example.com'. You may need to add '{host}.example.com' to ALLOWED_HOSTS.
django.db.utils.OperationalError: server closed the connection unexpectedly
KeyError: 'key not found: {table}'
ValueError: invalid literal for int() with base 10: '{hex}'
sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00
celery.exceptions.TimeLimitExceeded: TimeLimitExceeded({n},)
[{iso},{ms}: ERROR/ForkPoolWorker-{n}] Task shop.tasks.renew[{hex}] raised unexpected: ValueError('token expired')
I, [{iso}.{ms} #{pid}]  INFO -- : [{hex}] Completed 422 Unprocessable Entity in {n}ms (ActiveRecord: 1.4ms)
E, [{iso}.{ms} #{pid}] ERROR -- : ActiveRecord::RecordNotFound (Couldn't find Order with 'id'={n})
F, [{iso}.{ms} #{pid}] FATAL -- : ActionController::InvalidAuthenticityToken (Can't verify CSRF token authenticity.)
D, [{iso}.{ms} #{pid}] DEBUG -- :   {title} Load (0.{ms}ms)  SELECT "{table}".* FROM "{table}" LIMIT 1
PG::InsufficientPrivilege: ERROR:  permission denied for schema {table}
I{klog}       1 controller.go:{n}] "Starting workers" controller="{service}" worker count=1
E{klog}       1 leaderelection.go:{n}] error retrieving resource lock kube-system/{service}: leases.coordination.k8s.io "{service}" not found
E{klog}       1 reflector.go:{n}] pkg/mod/k8s.io/client-go/tools/cache/reflector.go:231: Failed to watch *v1.{title}: the server has received too many requests and has asked us to try again later
W{klog}       1 warnings.go:70] policy/v1beta1 PodSecurityPolicy is deprecated in v1.21+, unavailable in v1.25+
I{klog}       1 event.go:{n}] "Event occurred" object="default/{service}" kind="Deployment" reason="ScalingReplicaSet" message="Scaled up replica set {service}-{hex} to {n}"
E{klog}       1 horizontal.go:{n}] failed to compute desired number of replicas based on listed metrics: invalid metrics
I{klog}       1 controller.go:{n}] cert-manager/certificates-issuing "msg"="certificate renewal succeeded" "key"="default/{service}"
I{klog}       1 sync.go:{n}] cert-manager/certificates-trigger "msg"="Certificate will be renewed" "renewalTime"="{iso}Z"
Warning  FailedScheduling  {n}s   default-scheduler  0/3 nodes are available: 3 Insufficient cpu.
Warning  BackOff  {n}m (x{n} over {n}h)  kubelet  Back-off restarting failed container {service} in pod {service}-{hex}
Warning  Unhealthy  {n}s (x{n} over {n}m)  kubelet  Liveness probe failed: HTTP probe failed with statuscode: 500
Warning  FailedMount  {n}m  kubelet  MountVolume.SetUp failed for volume "config" : configmap "{service}" not found
Normal   Pulled  {n}s  kubelet  Successfully pulled image "registry.example.com/{service}:1.{n}" in {n}.{ms}s
Error from server (Forbidden): pods is forbidden: User "system:serviceaccount:default:{service}" cannot list resource "pods" in API group "" in the namespace "default"
{{"level":"info","ts":{big}.{ms},"logger":"controller.{service}","msg":"Reconciler finished","name":"{service}","namespace":"default"}}
{{"level":"error","ts":"{iso}Z","msg":"Reconciler error","controller":"{service}","error":"Operation cannot be fulfilled on deployments.apps \\"{service}\\": the object has been modified; please apply your changes to the latest version and try again"}}
{{"level":30,"time":{big},"pid":{pid},"hostname":"{host}","msg":"listener registered","listener":"inbound"}}
{{"level":50,"time":{big},"pid":{pid},"hostname":"{host}","err":{{"type":"Error","message":"key not found"}},"msg":"cache lookup failed"}}
{{"severity":"ERROR","message":"job {service} exceeded its timeout of {n}s","timestamp":"{iso}Z"}}
{{"@t":"{iso}Z","@mt":"Order {{OrderId}} rejected: invalid argument {{Argument}}","OrderId":{n},"Argument":"{table}"}}
npm WARN deprecated request@2.88.2: request has been deprecated, see https://github.com/request/request/issues/3142
npm ERR! code ERESOLVE
npm ERR! ERESOLVE unable to resolve dependency tree
npm ERR! code EACCES
npm ERR! Error: EACCES: permission denied, mkdir '/usr/local/lib/node_modules/{service}'
npm ERR! code EINTEGRITY
npm ERR! sha512-{b64} integrity checksum failed when using sha512: wanted sha512-{b64} but got sha512-{b64}. ({n} bytes)
error TS2345: Argument of type 'string' is not assignable to parameter of type 'number'.
##[error]Process completed with exit code 1.
##[warning]Node.js 16 actions are deprecated. Please update the following actions to use Node.js 20: actions/checkout@v3.
FAILED tests/test_{table}.py::test_expired_token - AssertionError: assert 'token expired' == 'ok'
ERROR: Could not find a version that satisfies the requirement {service}=={n}.0 (from versions: none)
E   ModuleNotFoundError: No module named '{service}'
fatal: unable to read tree {hex}
error: failed to push some refs to 'origin'
make: *** [Makefile:{n}: {service}] Error 2
[ERROR] Failed to execute goal org.apache.maven.plugins:maven-compiler-plugin:3.11.0:compile (default-compile) on project {service}: Compilation failure
Gradle build daemon disappeared unexpectedly (it may have been killed or may have crashed)
Step {n}/12 : COPY certs/ /etc/{service}/certs/
Sending build context to Docker daemon  {n}.{ms}MB
go: downloading github.com/example/{service} v1.{n}.0
--- FAIL: TestListener (0.{ms}s)
panic: runtime error: index out of range [{n}] with length {n}
panic: runtime error: invalid memory address or nil pointer dereference
thread 'main' panicked at 'called `Option::unwrap()` on a `None` value', src/main.rs:{n}:{n}
level=info ts={iso}Z caller=compact.go:{n} component=tsdb msg="write block" mint={big} maxt={big} ulid={hex} duration={n}.{ms}s
level=warn ts={iso}Z caller=manager.go:{n} component="rule manager" group={service} msg="Evaluating rule failed" rule="expired" err="many-to-many matching not allowed"
level=error ts={iso}Z caller=dedupe.go:112 component=remote level=error msg="non-recoverable error" err="out of order sample"
logger=context userId={n} orgId=1 uname={user} t={iso}Z level=info msg="Request Completed" method=GET path=/api/alerts status=401 remote_addr={ip}
time="{iso}Z" level=info msg="listening for inbound connections" listener="[::]:8080"
time="{iso}Z" level=warning msg="health check for container {hex} error: context deadline exceeded"
time="{iso}Z" level=error msg="Handler for POST /v1.43/containers/create returned error: No such image: {service}:latest"
{ng} {service}: upstream chosen for order {n}: {host}
{ng} renewing certificate of employment for {user}: done
[{iso}] production.ERROR: SQLSTATE[42S02]: Base table or view not found: 1146 Table 'shop.{table}' doesn't exist
[{iso}] production.INFO: Queue job {service} processed in {n} ms
PHP Warning:  Undefined array key "{table}" in /var/www/html/cart.php on line {n}
PHP Fatal error:  Allowed memory size of 134217728 bytes exhausted (tried to allocate {n} bytes)
{user}@{host}:~$ openssl version
Certificate is to be certified until Jan {n} 00:00:00 2031 GMT (365 days)
Congratulations, all renewals succeeded: /etc/letsencrypt/live/{host}.example.com/fullchain.pem (success)
Cert not yet due for renewal
rsync: [sender] link_stat "/srv/{table}" failed: No such file or directory (2)
rsync error: some files/attrs were not transferred (see previous errors) (code 23) at main.c(1338) [sender=3.2.7]
tar: /var/lib/{table}: file changed as we read it
sha256sum: WARNING: 1 computed checksum did NOT match
cp: cannot open '/etc/shadow' for reading: Permission denied
bash: {service}: command not found
dpkg: error processing package {service} (--configure):
E: Sub-process /usr/bin/dpkg returned an error code (1)
terraform: Error: Invalid value for variable "{table}"
ansible: fatal: [{host}]: FAILED! => {{"changed": false, "msg": "Could not find the requested service {service}: host"}}
{iso} [pool-{n}-thread-{n}] WARN  c.e.billing.ClientRegistry - client {user} has no certificate of origin on file
{iso} [kafka-listener-{n}] INFO  c.e.shop.OrderListener - handshake with partner {host} done in {n} ms
{iso} ERROR worker: unknown authority level {n} for user {user}
{iso} WARN license of {service} expired {n} days ago
{iso} WARN session of {user} expired, please log in again
{iso} ERROR subscription {n} is not yet valid
{iso} INFO peer {n} closed the chat
{iso} ERROR access token of {user} revoked
{iso} ERROR signature of form {n} missing
{iso} WARN protocol of meeting {n} has an unsupported version
{iso} ERROR payment provider returned status 402 for order {n}
{iso} INFO server hello sent to new visitor {n}
""".strip().split("\n")
"""One form a line; what stands in braces is filled in, {{ and }} are braces."""

_WORDS: Final = {
    "user": "alice bob carol deploy jenkins www-data root backup".split(),
    "service": "checkout billing listener inventory gateway client-ca-sync cart mailer inbound-worker x509-report".split(),
    "table": "orders users certificates sessions listeners inbound_messages keys tokens authorities".split(),
    "title": "Order Daily Listener Certificate Session Backup Authority".split(),
    "host": "web-01 db-2 node-a7 build3 ip-10-0-3-17 expired-certs-archive".split(),
}
_FIELD: Final = re.compile(r"\{([a-z][a-z0-9]*)\}")


def generate_lines(count: int, seed: int) -> Iterator[str]:
    """Yield `count` lines; the same seed gives the same ones, and every form comes in turn."""
    chance = random.Random(seed)
    for number in range(count):
        form = FORMS[number % len(FORMS)]
        filled = _FIELD.sub(lambda found: _fill(found[1], chance), form)
        yield filled.replace("{{", "{").replace("}}", "}")


def _fill(name: str, chance: random.Random) -> str:
    clock = f"{chance.randrange(24):02}:{chance.randrange(60):02}:{chance.randrange(60):02}"
    day = chance.randrange(1, 29)
    values = {
        "n": str(chance.randrange(1, 600)),
        "ms": f"{chance.randrange(1000):03}",
        "pid": str(chance.randrange(100, 40000)),
        "port": str(chance.randrange(1024, 65535)),
        "big": str(chance.randrange(10**9, 10**12)),
        "hex": f"{chance.getrandbits(40):010x}",
        "b64": "".join(chance.choices("ABCDEFghijklmnop0123456789", k=27)),
        "ip": ".".join(str(chance.randrange(1, 255)) for _ in range(4)),
        "iso": f"2026-11-{day:02} {clock}",
        "ng": f"2026/11/{day:02} {clock}",
        "sys": f"Nov {day:2} {clock}",
        "redis": f"{day:02} Nov 2026 {clock}.{chance.randrange(1000):03}",
        "klog": f"11{day:02} {clock}.{chance.randrange(10**6):06}",
        "hdfs": f"0811{day:02} {clock.replace(':', '')} {chance.randrange(40)}",
        "apache": f"Sun Nov {day:02} {clock} 2026",
    }
    values["clf"] = f"{values['ip']} - - [{day:02}/Nov/2026:{clock} +0000]"
    return values[name] if name in values else chance.choice(_WORDS[name])
