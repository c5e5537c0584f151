/// Finds the setting that somebody who made a slip may have meant.
enum NearestName {
    /// The nearest of some names, if any is near: a third of the letters may be wrong, and two in a short name. A name that
    /// was put on the wrong level is near, too: `poll-bytes-max` beside `limits` instead of in it.
    static func find(_ name: String, among names: [String]) -> String? {
        let given = Array(name.utf8)
        // Nothing that long was meant as any of them, and each letter of it costs as much as they have.
        guard given.count <= 128 else { return nil }
        let nearest = names.map { (name: $0, distance: distance(from: given, to: $0)) }.min {
            $0.distance < $1.distance
        }
        // What shares no letter with a short name is not near it.
        guard let nearest, nearest.distance <= max(2, given.count / 3), nearest.distance < given.count else {
            return nil
        }
        return nearest.name
    }

    private static func distance(from given: [UInt8], to name: String) -> Int {
        let whole = distance(given, Array(name.utf8))
        guard let dot = name.lastIndex(of: ".") else { return whole }
        return min(whole, distance(given, Array(name[name.index(after: dot)...].utf8)))
    }

    /// How many letters must be changed, added, left out or swapped with their neighbour (optimal string alignment).
    static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for i in left.indices {
            var row = [i + 1]
            for j in right.indices {
                var least = min(last[j + 1] + 1, row[j] + 1, last[j] + (left[i] == right[j] ? 0 : 1))
                if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
                    least = min(least, beforeLast[j - 1] + 1)
                }
                row.append(least)
            }
            (beforeLast, last) = (last, row)
        }
        return last[right.count]
    }
}
