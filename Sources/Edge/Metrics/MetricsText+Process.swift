internal import Reactor

// What every process tells, under the names that Prometheus' own libraries have for it, and which program it is.
extension MetricsText {
    mutating func appendProcess(_ node: NodeStatus, _ configuration: EdgeConfiguration) {
        begin("perseid_build_info", "gauge", "Which version and which node this is; the value is always 1.")
        let labels = "{version=\"\(escaped(configuration.version))\",node=\"\(escaped(configuration.nodeID))\"}"
        append(labels, of: "perseid_build_info", 1)

        let usage = ProcessUsage.now
        begin("process_cpu_seconds_total", "counter", "Processor time that all threads used.")
        append(milliseconds: usage.processorMilliseconds, of: "process_cpu_seconds_total")
        begin("process_start_time_seconds", "gauge", "When the node started, in seconds since 1970.")
        append(milliseconds: Int(clamping: node.startMilliseconds), of: "process_start_time_seconds")
        gauge("process_resident_memory_bytes", "Memory that the process uses.", usage.residentBytes)
        gauge("process_virtual_memory_bytes", "Address space that the process uses.", usage.virtualBytes)
        begin("process_open_fds", "gauge", "File descriptors that are open; only Linux 6.2 and later tells.")
        if let count = usage.openDescriptors { append("", of: "process_open_fds", count) }
        gauge("process_max_fds", "File descriptors that the process may open.", usage.descriptorsMax)
    }

    /// As a label's value: `\`, `"` and line feeds are escaped. Source: the text format of Prometheus, version 0.0.4.
    private func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}
