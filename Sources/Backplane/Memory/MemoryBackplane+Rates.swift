// What users have of what is limited in the cluster, where that is this node alone: it knows all that there is to know.
extension MemoryBackplane {
    public func spend(_ spending: RateSpending) { delegate?.spent(spending.ticket, .success(0)) }
}
