package metrics

import (
	"runtime"
	"runtime/metrics"
	"time"
)

// AppendProcess appends the figures of this process, which began at start, to b
// and returns it. Their names begin with prefix. A figure that the operating
// system does not tell is left out: Linux tells all, other Unix systems the
// time on the processor, Windows none but those of Go.
func AppendProcess(b []byte, prefix string, start time.Time) []byte {
	heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(heap) // unlike runtime.ReadMemStats it stops nobody
	b = AppendGauge(b, prefix+"goroutines", "Goroutines of the process.", float64(runtime.NumGoroutine()))
	if heap[0].Value.Kind() == metrics.KindUint64 {
		b = AppendGauge(b, prefix+"heap_bytes", "Bytes of the heap in use or not yet swept.", float64(heap[0].Value.Uint64()))
	}
	if d, ok := cpuTime(); ok {
		b = AppendCounter(b, prefix+"process_cpu_seconds_total", "Seconds on the processors, of the program and of the kernel for it.", d.Seconds())
	}
	if n, ok := residentBytes(); ok {
		b = AppendGauge(b, prefix+"process_resident_memory_bytes", "Bytes of the process in memory.", float64(n))
	}
	if n, ok := openFiles(); ok {
		b = AppendGauge(b, prefix+"process_open_fds", "Open file descriptors.", float64(n))
	}
	return AppendGauge(b, prefix+"process_start_time_seconds", "When the process began, in seconds since 1970.", float64(start.UnixMilli())/1000)
}
