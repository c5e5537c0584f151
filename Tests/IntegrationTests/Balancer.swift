import Foundation
import TLS
import TestCertificates

/// A real HAProxy in front of the nodes, with the configuration that users are given.
final class Balancer: Sendable {
    /// What a test changes in that configuration.
    enum Change {
        /// It does not look at the nodes' cookie: each request is for the next node.
        case inTurn
        /// What stands behind each node besides what users are given.
        case servers(String)
        /// Clients that are silent for so long are gone, and nodes, too.
        case timeouts(String)
        /// WebSockets on which nobody says anything for so long are gone.
        case tunnel(String)
        /// It logs each request as soon as it is answered: where from, server, status, version, what.
        case logged
    }

    let port = Port.free()
    /// Where it speaks TLS and HTTP/2, if it has a certificate.
    let securePort = Port.free()
    private let process: ChildProcess

    /// What it logged.
    var log: String { process.outputText }

    /// - Parameters:
    ///   - isAffine: whether it looks at the nodes' cookie, as it is given to users.
    ///   - certificate: the file with its certificate and key.
    init(
        for nodes: [PerseidNode],
        in scratch: Scratch,
        isAffine: Bool = true,
        certificate: String? = nil,
        changes: [Change] = []
    ) async throws {
        let file = try Self.configuration(changes + (isAffine ? [] : [.inTurn]), in: scratch)
        let addresses = nodes.map { "127.0.0.1:\($0.port)" }
        var environment = [
            "PERSEID_BIND": "127.0.0.1:\(port)", "PERSEID_MAXCONN": "2000",
            "PERSEID_NODE_A": addresses[0], "PERSEID_NODE_B": addresses[1], "PERSEID_NODE_C": addresses[2],
        ]
        if let certificate {
            environment["PERSEID_TLS_BIND"] = "127.0.0.1:\(securePort)"
            environment["PERSEID_TLS_PEM"] = certificate
        }
        process = try ChildProcess(["haproxy", "-db", "-f", file], environment: environment, in: scratch)
        try await eventually(
            "haproxy lets requests through",
            isTrue: { [self] in
                guard process.isRunning else { throw ChildProcess.Failure(description: process.errorText) }
                return (try? await HTTPConnection.ask("GET", "/readyz", port: port).status) == 200
            }
        )
    }

    /// The file, with the changes if there are any.
    private static func configuration(_ changes: [Change], in scratch: Scratch) throws -> String {
        let given = Repository.root.appending(path: "deploy/haproxy.cfg").path
        if changes.isEmpty { return given }
        var text = try String(contentsOfFile: given, encoding: .utf8)
        for change in changes { apply(change, to: &text) }
        let file = scratch.file("\(scratch.nextNumber())-haproxy.cfg")
        try text.write(to: file, atomically: true, encoding: .utf8)
        return file.path
    }

    private static func apply(_ change: Change, to text: inout String) {
        switch change {
        case .inTurn:
            text = text.replacing("balance leastconn", with: "balance roundrobin")
                .replacing("    cookie perseid_node\n", with: "")
        case .servers(let options):
            text = text.replacing(/(?m)^    server [abc] .*$/) { "\($0.output) \(options)" }
        case .timeouts(let time):
            text = text.replacing(/(?m)^    timeout (client|server|http-keep-alive) .*$/) {
                "    timeout \($0.output.1) \(time)"
            }
        case .tunnel(let time):
            text = text.replacing(/(?m)^    timeout tunnel .*$/) { _ in "    timeout tunnel \(time)" }
        case .logged:
            text = text.replacing("format raw daemon notice", with: "format raw daemon info")
                .replacing("option dontlog-normal", with: "option logasap")
                .replacing("option httplog", with: "log-format \"%ci:%cp %s %ST %HV %HM %HU\"")
        }
    }
}

extension TestAuthority {
    /// Writes a certificate for this machine and its key to one file, as HAProxy wants it; and both to a file each.
    func writeForHere() throws -> (both: String, certificate: String, key: String) {
        let issued = try issue(["localhost", "127.0.0.1"])
        try write(issued, as: "here")
        let both = "\(directory)/both.pem"
        try Data(issued.chain + [10] + issued.key).write(to: URL(filePath: both))
        return (both, "\(directory)/here.pem", "\(directory)/here.key")
    }
}
