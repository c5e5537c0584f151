import Backplane
import Testing

/// The words are those of Redis 7.0.15, of the links, and of Linux.
@Suite struct RedisComplaintTests {
    @Test(
        "what is wrong is told from what was said",
        arguments: [
            ("connect 127.0.0.1:1: Connection refused (111)", RedisComplaint.Cause.unreached),
            ("no connection in time", .unreached),
            ("connect: Name or service not known", .unreached),
            ("WRONGPASS invalid username-password pair or user is disabled.", .password),
            ("NOAUTH Authentication required.", .password),
            (
                "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
                .password
            ),
            ("TLS: certificate verify failed: certificate has expired", .expired),
            ("TLS: sslv3 alert certificate expired", .expiredOwn),
            ("TLS: certificate verify failed: unable to get local issuer certificate", .security),
            ("NOPERM this user has no permissions to run the 'fcall' command", .rights),
            ("ERR The user executing the script can't run this command or subcommand script: perseid_publish", .rights),
            ("READONLY You can't write against a read only replica.", .replica),
            ("MOVED 3999 127.0.0.1:6381", .cluster),
            ("CROSSSLOT Keys in request don't hash to the same slot", .cluster),
            ("CLUSTERDOWN Hash slot not served", .down), ("CLUSTERDOWN The cluster is down", .down),
            ("BROKEN head in perseid:{news}:head", .data), ("maxmemory-policy is allkeys-lru", .eviction),
            ("WRONGTYPE Operation against a key holding the wrong kind of value", .data),
            ("ERR SELECT is not allowed in cluster mode", .cluster),
            ("OOM command not allowed when used memory > 'maxmemory'.", .memory),
            ("MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.", .disk),
            ("LOADING Redis is loading the dataset in memory", .loading),
            ("ERR DB index is out of range", .database),
            ("ERR unknown command 'FCALL_RO', with args beginning with: 'perseid_version' '0' ", .version),
            ("Protocol error, got \"H\" as reply type byte", .notRedis),
            ("no answer in 3000 ms", .silent), ("silent for 3000 ms", .silent), ("closed by Redis", .closed),
            ("ERR max number of clients reached", .closed), ("ERR something new", .other),
        ]
    )
    func causes(_ text: String, _ cause: RedisComplaint.Cause) {
        #expect(RedisComplaint(text).cause == cause)
    }

    @Test("each cause has words of its own")
    func words() {
        let samples = [
            "connect", "protocol error", "TLS", "silent for", "NOAUTH", "NOPERM", "READONLY", "OOM ", "MISCONF",
            "MOVED ", "ELSEWHERE ", "OUTDATED ",
            "unknown command", "DB index is out of range", "LOADING", "closed by Redis", "?", "CLUSTERDOWN", "BROKEN ",
            "maxmemory-policy is", "certificate has expired", "alert certificate expired",
        ].map { RedisComplaint($0) }
        #expect(Set(samples.map(\.cause)) == Set(RedisComplaint.Cause.allCases))
        #expect(Set(samples.map(\.message)).count == samples.count)
    }
}
