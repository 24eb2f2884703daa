package window

// StoredBytes is what BuntDB's items take up, without series and heads.
func (w *Window) StoredBytes() int64 {
	bytes, _ := w.ledger.totals()
	return bytes - w.ledger.streams
}
