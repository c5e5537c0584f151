import Foundation
import Reactor

/// What the machine allows, as far as it matters to a node. A value; what the system does not say is not there.
struct SystemFacts: Equatable {
    /// Descriptors: of the node that runs here, or of this process if none does.
    var descriptorsMax: Int?
    /// Whether they are a node's.
    var isOfNode = false
    /// `net.core.somaxconn`: connections that wait to be accepted.
    var backlogMax: Int?
    /// `net.netfilter.nf_conntrack_max`, where the kernel tracks connections.
    var trackedConnectionsMax: Int?
    /// Memory of the machine, or of the control group.
    var memoryBytes: Int?

    /// Source: proc(5); `Documentation/admin-guide/sysctl/net.rst` and `cgroup-v2.rst` of Linux.
    static func read() -> SystemFacts {
        var facts = SystemFacts()
        if let node = nodeDescriptors() {
            facts.descriptorsMax = node
            facts.isOfNode = true
        } else {
            facts.descriptorsMax = HostProcess.raiseDescriptorLimit()
        }
        facts.backlogMax = number("/proc/sys/net/core/somaxconn")
        facts.trackedConnectionsMax = number("/proc/sys/net/netfilter/nf_conntrack_max")
        facts.memoryBytes = [number("/sys/fs/cgroup/memory.max"), machineBytes()].compactMap(\.self).min()
        return facts
    }

    private static func text(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }

    private static func number(_ path: String) -> Int? {
        text(path).flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
    }

    private static func machineBytes() -> Int? {
        let line = text("/proc/meminfo")?.split(separator: "\n").first { $0.hasPrefix("MemTotal:") }
        return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 * 1_024 }
    }

    /// What the first `perseid serve` of this machine may have that this user may look at.
    private static func nodeDescriptors() -> Int? {
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        for process in processes where process.allSatisfy(\.isNumber) {
            guard let words = text("/proc/\(process)/cmdline")?.split(separator: "\0"), words.count > 1,
                words[0].hasSuffix("perseid"), words[1] == "serve",
                let limits = text("/proc/\(process)/limits"),
                let line = limits.split(separator: "\n").first(where: { $0.hasPrefix("Max open files") })
            else { continue }
            return line.dropFirst(14).split(separator: " ").dropFirst().first.flatMap { Int($0) }
        }
        return nil
    }
}
