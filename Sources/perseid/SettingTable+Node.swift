import Backplane
import Edge

extension SettingTable {
    /// Where a node is, and what it is made of.
    static let node: [Setting] = [
        Setting(
            "listen",
            usual: "127.0.0.1:8080",
            "address at which clients connect; beyond loopback the node starts only with rules, api-keys or insecure",
            take: { value, settings throws(SettingsError) in try settings.takeListen(value) },
            show: {
                $0.edge.host.contains(":") ? "[\($0.edge.host)]:\($0.edge.port)" : "\($0.edge.host):\($0.edge.port)"
            }
        ),
        Setting(
            "redis",
            usual: "none",
            "the Redis that the nodes share: redis[s]://[user[:password]@]host[:port][/database], unix:///path, redis[s]+sentinel://host,host/master-name[/database] or redis[s]+cluster://host,host. Several of the first three, as a list or with spaces between them, share the channels. With none, one node keeps everything in its own memory",
            isSecret: true,
            take: { value, settings throws(SettingsError) in try settings.takeRedis(value) },
            show: { $0.redis?.textWithoutPasswords ?? "none" }
        ),
        Setting(
            "redis-former",
            usual: "none",
            "masters that shared the channels before, as a list or with spaces between them; name them here until the nodes have moved their channels to the masters in redis",
            isSecret: true,
            take: { value, settings throws(SettingsError) in try settings.takeFormerRedis(value) },
            show: {
                $0.redisFormer.isEmpty ? "none" : $0.redisFormer.map(\.textWithoutPasswords).joined(separator: " ")
            }
        ),
        Setting(
            "redis-tls.ca",
            usual: "the system's",
            "file with the authorities that may have issued the certificate of a rediss:// Redis",
            take: { value, settings throws(SettingsError) in settings.redisAuthorities = try value.file() },
            show: { $0.redisAuthorities?.path ?? "the system's" }
        ),
        Setting(
            "redis-tls.certificate",
            usual: "none",
            "file with the certificate that the node shows to Redis, which demands one unless its tls-auth-clients is off",
            take: { value, settings throws(SettingsError) in settings.redisCertificate = try value.file() },
            show: { $0.redisCertificate?.path ?? "none" }
        ),
        Setting(
            "redis-tls.key",
            usual: "none",
            "file with the key of that certificate",
            take: { value, settings throws(SettingsError) in settings.redisKey = try value.file() },
            show: { $0.redisKey?.path ?? "none" }
        ),
        Setting(
            "redis-tls.server-name",
            usual: "the host",
            "name or address that the certificate of Redis must be for",
            take: { value, settings throws(SettingsError) in settings.redisServerName = try value.text() },
            show: { $0.redisServerName ?? "the host" }
        ),
        Setting(
            "key-prefix",
            usual: "perseid",
            "how the names of all keys and pub/sub channels in Redis begin; give each cluster its own",
            take: { value, settings throws(SettingsError) in try settings.takeKeyPrefix(value) },
            show: { $0.keyPrefix }
        ),
        Setting(
            "node-id",
            usual: "drawn",
            "name of the node in the cluster and in the balancer's cookie; a node refuses to start while another one of that name lives",
            take: { value, settings throws(SettingsError) in try settings.takeNodeID(value) },
            show: { $0.edge.nodeID }
        ),
        Setting(
            "reactors",
            usual: "one per processor",
            "number of threads that serve clients, from 1 to 64",
            take: { value, settings throws(SettingsError) in settings.edge.reactorCount = try value.number(in: 1...64)
            },
            show: { "\($0.edge.reactorCount)" }
        ),
        Setting(
            "io-uring",
            usual: "auto",
            "with auto the node sends to many sockets in one system call where the kernel allows it, with off it never does",
            take: { value, settings throws(SettingsError) in
                settings.edge.usesRing = try value.choice(of: ["auto", "off"]) == "auto"
            },
            show: { $0.edge.usesRing ? "auto" : "off" }
        ),
        Setting(
            "insecure",
            usual: "false",
            "lets the node listen beyond loopback although there are neither rules nor api-keys",
            take: { value, settings throws(SettingsError) in settings.isInsecure = try value.flag() },
            show: { "\($0.isInsecure)" }
        ),
    ]
}
