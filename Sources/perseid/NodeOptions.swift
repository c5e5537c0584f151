import ArgumentParser
import Foundation

/// How `publish` and `subscribe` find a node and what they show it.
struct NodeOptions: ParsableArguments {
    /// The variable that names a node or a balancer.
    static let addressVariable = "PERSEID_URL"

    /// The variable that holds an API key. Unlike an option, other users of the machine cannot see it in `ps`.
    static let keyVariable = "PERSEID_API_KEY"

    @Option(help: "A node or a balancer, http://host[:port] (default: PERSEID_URL, else http://127.0.0.1:8080).")
    var url: String?

    @Option(help: "API key (default: PERSEID_API_KEY, which other users cannot see in ps, as they see this option).")
    var apiKey: String?

    private static var environment: [String: String] { ProcessInfo.processInfo.environment }

    /// The node to talk to.
    func address() throws -> NodeAddress {
        do {
            return try NodeAddress(url ?? Self.environment[Self.addressVariable] ?? "http://127.0.0.1:8080")
        } catch {
            throw ValidationError("\(url == nil ? Self.addressVariable : "--url"): \(error)")
        }
    }

    /// The key to show, if there is one.
    func key() throws -> String? {
        guard let key = apiKey ?? Self.environment[Self.keyVariable], !key.isEmpty else { return nil }
        guard key.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw ValidationError(
                "\(apiKey == nil ? Self.keyVariable : "--api-key"): a key has visible ASCII characters only, and no spaces"
            )
        }
        return key
    }
}
