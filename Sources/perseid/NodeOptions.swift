import ArgumentParser
import Foundation
import PerseidClient
import TLS

/// How `publish` and `subscribe` find a node and what they show it.
struct NodeOptions: ParsableArguments {
    /// The variable that names nodes or a balancer.
    static let addressVariable = "PERSEID_URL"

    /// The variable that holds an API key. Unlike an option, other users of the machine cannot see it in `ps`.
    static let keyVariable = "PERSEID_API_KEY"

    @Option(
        help: ArgumentHelp(
            """
            A node or a balancer, http://host[:port] or https://…; several times, or with commas between them, for several that are tried \
            in turn (default: PERSEID_URL, else http://127.0.0.1:8080).
            """,
            valueName: "url"
        ),
        completion: .list(["http://127.0.0.1:8080", "https://"])
    )
    var url: [String] = []

    @Option(
        help:
            "API key or access token (default: PERSEID_API_KEY, which other users cannot see in ps, as they see this option)."
    )
    var apiKey: String?

    @Option(
        help: "Certificates, as PEM, that those of https nodes may be issued by (default: the system's).",
        completion: .file()
    )
    var ca: String?

    private static var environment: [String: String] { ProcessInfo.processInfo.environment }

    /// A client of the nodes, which goes by these options and others.
    func client(_ change: (inout ClientOptions) -> Void = { _ in }) throws -> PerseidClient {
        var options = ClientOptions()
        options.token = try key().map { .fixed($0) }
        options.authorities = try ca.map { try Self.authorities($0) }
        change(&options)
        do {
            return try PerseidClient(addresses, options: options)
        } catch {
            throw ValidationError("\(url.isEmpty ? Self.addressVariable : "--url"): \(error.message)")
        }
    }

    /// The certificates in a file, which are of use: else every connection would fail for them.
    private static func authorities(_ path: String) throws -> [UInt8] {
        guard let data = try? Data(contentsOf: URL(filePath: path)) else {
            throw ValidationError("--ca: \(path) cannot be read")
        }
        var policy = TLSClientPolicy()
        policy.authorities = Array(data)
        do throws(TLSFault) { _ = try TLSContext(client: policy) } catch {
            throw ValidationError("--ca: \(path): \(error)")
        }
        return Array(data)
    }

    private var addresses: [String] {
        let given = url.isEmpty ? [Self.environment[Self.addressVariable] ?? "http://127.0.0.1:8080"] : url
        return given.flatMap { $0.split(separator: ",").map(String.init) }
    }

    /// The key to show, if there is one.
    private func key() throws -> String? {
        guard let key = apiKey ?? Self.environment[Self.keyVariable], !key.isEmpty else { return nil }
        guard key.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw ValidationError(
                "\(apiKey == nil ? Self.keyVariable : "--api-key"): a key has visible ASCII characters only, and no spaces"
            )
        }
        return key
    }
}

extension PerseidError {
    /// Whether asking again may help: the node or the balancer is busy, away, or gave up waiting (RFC 9110 §15.5.9, §15.6;
    /// RFC 6585 §4; RFC 8470).
    var isTemporary: Bool { !isFinal && (code == 0 || code >= 500 || [408, 425, 429].contains(code)) }

    /// Status, message, and what to do where that is known.
    var advice: String {
        code == 401 || code == 403
            ? "\(description) (a key is given by \(NodeOptions.keyVariable) or --api-key)" : description
    }
}
