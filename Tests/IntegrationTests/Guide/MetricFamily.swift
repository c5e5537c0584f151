/// One metric as a node tells it: its name, what it is, and the labels of its samples. Source: the text format of Prometheus, 0.0.4.
struct MetricFamily {
    let name: String
    let meaning: String
    var kind = ""
    var labels: [String] = []
    /// The names that its samples have: a histogram's end in `_bucket`, `_sum` and `_count`.
    var samples: Set<String> = []

    static func read(_ text: String) -> [MetricFamily] {
        var families: [MetricFamily] = []
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 3)
            if line.hasPrefix("# HELP ") {
                families.append(MetricFamily(name: String(words[2]), meaning: String(words[3])))
                families[families.count - 1].samples.insert(String(words[2]))
            } else if line.hasPrefix("# TYPE ") {
                families[families.count - 1].kind = String(words[3])
            } else {
                families[families.count - 1].note(line)
            }
        }
        return families
    }

    private mutating func note(_ sample: Substring) {
        samples.insert(String(sample.prefix { $0 != "{" && $0 != " " }))
        for match in sample.matches(of: /[{,](\w+)="/) where !labels.contains(String(match.output.1)) {
            labels.append(String(match.output.1))
        }
    }
}
