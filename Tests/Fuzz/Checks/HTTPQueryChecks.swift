import Text

@testable import Wire

/// The parameters of a query or a form.
enum HTTPQueryChecks {
    private struct Pair: Equatable {
        var name: [UInt8]
        var value: [UInt8]
    }

    static func check(_ bytes: [UInt8]) throws {
        let pairs = try read(bytes, from: 0, to: bytes.count)
        // As in a request: with something in front of it and behind it, which is none of it.
        let around = Array("&a=1?".utf8)
        let inside = try read(around + bytes + around, from: around.count, to: around.count + bytes.count)
        try requireSame(pairs, inside, "a query within a request")
        let joined = bytes.split(separator: UInt8(ascii: "&")).map { Array($0) }
        try requireSame(pairs.count, joined.count, "the number of parameters")
        for (pair, text) in zip(pairs, joined) {
            let sign = text.contains(UInt8(ascii: "=")) ? [UInt8(ascii: "=")] : []
            try requireSame(pair.name + sign + pair.value, text, "a parameter")
            try require(!pair.name.contains(UInt8(ascii: "=")), "a name with a sign of equality")
        }
        try checkNamed(bytes)
        try checkCoding(bytes)
    }

    private static func read(_ bytes: [UInt8], from start: Int, to end: Int) throws -> [Pair] {
        try withExactCopy(of: bytes) { copy throws in
            var query = QueryString(ByteRange(start..<end))
            var pairs: [Pair] = []
            while let pair = query.next(in: copy.octets.span) {
                for range in [pair.name.indices, pair.value.indices] {
                    try require(range.lowerBound >= start && range.upperBound <= end, "a parameter outside the query")
                }
                pairs.append(Pair(name: Array(copy[pair.name.indices]), value: Array(copy[pair.value.indices])))
            }
            return pairs
        }
    }

    /// One by name is the first of all by that name, unless a later one is wrong.
    private static func checkNamed(_ bytes: [UInt8]) throws {
        try withExactCopy(of: bytes) { copy throws in
            let query = QueryString(ByteRange(0..<copy.count))
            do throws(HTTPRejection) {
                let all = try query.all("channel", in: copy.octets.span)
                let first = try query.first("channel", in: copy.octets.span)
                if all.first != first { throw HTTPRejection(status: 0, field: "", reason: "") }
            } catch {
                try require(error.status == 400, "the first of several parameters")
            }
        }
    }

    /// Percent-encoding: what is decoded, and encoded again, decodes the same.
    private static func checkCoding(_ bytes: [UInt8]) throws {
        for plusIsSpace in [false, true] {
            let decoded = try withExactCopy(of: bytes) {
                PercentCoding.decode($0.octets.span, plusIsSpace: plusIsSpace)
            }
            guard let decoded else { continue }
            let again = PercentCoding.decode(PercentCoding.encode(decoded)[...])
            try requireSame(again.map { Array($0.utf8) }, Array(decoded.utf8), "percent-encoding")
        }
    }
}
