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
    /// Of the node that runs here, what was moved out to disk: `VmSwap`.
    var swappedBytes: Int?
    /// `vm.overcommit_memory`: with 0 a process that has most of the memory may not fork.
    var overcommit: Int?
    /// `net.ipv4.ip_local_port_range`: ports that a balancer on this machine has for its connections to one node.
    var localPortCount: Int?

    /// Source: proc(5); `Documentation/admin-guide/sysctl/net.rst` and `cgroup-v2.rst` of Linux.
    static func read() -> SystemFacts {
        var facts = SystemFacts()
        if let node = nodeProcess() {
            facts.descriptorsMax = field("Max open files", of: "/proc/\(node)/limits", word: 1)
            facts.isOfNode = true
            facts.swappedBytes = field("VmSwap:", of: "/proc/\(node)/status", word: 0).map { $0 * 1_024 }
        } else {
            facts.descriptorsMax = HostProcess.raiseDescriptorLimit()
        }
        facts.backlogMax = number("/proc/sys/net/core/somaxconn")
        facts.trackedConnectionsMax = number("/proc/sys/net/netfilter/nf_conntrack_max")
        facts.overcommit = number("/proc/sys/vm/overcommit_memory")
        let ports = text("/proc/sys/net/ipv4/ip_local_port_range")?.split { !$0.isNumber }.compactMap { Int($0) } ?? []
        if ports.count == 2 { facts.localPortCount = ports[1] - ports[0] + 1 }
        facts.memoryBytes = [number("/sys/fs/cgroup/memory.max"), machineBytes()].compactMap(\.self).min()
        return facts
    }

    private static func text(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }

    private static func number(_ path: String) -> Int? {
        text(path).flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
    }

    /// A number behind a name that begins a line: the first is word 0.
    private static func field(_ name: String, of path: String, word: Int) -> Int? {
        let line = text(path)?.split(separator: "\n").first { $0.hasPrefix(name) }
        let words = line?.dropFirst(name.count).split(whereSeparator: \.isWhitespace) ?? []
        return words.count > word ? Int(words[word]) : nil
    }

    private static func machineBytes() -> Int? {
        field("MemTotal:", of: "/proc/meminfo", word: 0).map { $0 * 1_024 }
    }

    /// The first `perseid serve` of this machine that this user may look at.
    private static func nodeProcess() -> String? {
        let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return processes.first { process in
            guard process.allSatisfy(\.isNumber),
                let words = text("/proc/\(process)/cmdline")?.split(separator: "\0"), words.count > 1
            else { return false }
            return words[0].hasSuffix("perseid") && words[1] == "serve" && text("/proc/\(process)/limits") != nil
        }
    }
}
