package main

import (
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
)

// oneSpan returns the least that the SDK's clients send.
func oneSpan() []*tracepb.ResourceSpans {
	return []*tracepb.ResourceSpans{{
		ScopeSpans: []*tracepb.ScopeSpans{{
			Spans: []*tracepb.Span{{
				TraceId: []byte("0123456789abcdef"), SpanId: []byte("01234567"), Name: "lab",
			}},
		}},
	}}
}
