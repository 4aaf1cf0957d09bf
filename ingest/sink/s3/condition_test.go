package s3

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"logseal/ingest/sink"
	"logseal/ingest/sink/s3/s3test"
	"logseal/ingest/sink/sinktest"
)

// The ways in which stores say that a conditional put found an object there.
var spellings = map[string]s3test.Fault{
	"412":                     {Status: 412, Code: "PreconditionFailed"},
	"412 without a code":      {Status: 412},
	"412 of a proxy":          {Status: 412, Plain: true, Message: "Precondition Failed"},
	"412 by another name":     {Status: 412, Code: "ConditionNotMet"},
	"400 by that name":        {Status: 400, Code: "PreconditionFailed"},
	"304":                     {Status: 304},
	"304 with a code":         {Status: 304, Code: "NotModified"},
	"409 of the object":       {Status: 409, Code: "ObjectAlreadyExists"},
	"409 of a file":           {Status: 409, Code: "FileAlreadyExists"},
	"409 that nobody knows":   {Status: 409, Code: "SoItIs"},
	"409 without a code":      {Status: 409},
	"409 that says only that": {Status: 409, Code: "Conflict"},
}

func TestPut_ConditionThatFailed_InEachSpelling(t *testing.T) {
	server := s3test.Start(t)
	for name, fault := range spellings {
		t.Run(name, func(t *testing.T) {
			faults := server.Faults(t)
			fault.Of = http.StatusPreconditionFailed
			faults.Set(func(r *http.Request) *s3test.Fault {
				if r.Method == http.MethodPut {
					return &fault
				}
				return nil
			})
			s := hasty(t, faults.URL(server.Bucket(t)))
			o, other := sinktest.Object(key, []byte("bytes")), sinktest.Object(key, []byte("other"))
			require.NoError(t, s.Put(t.Context(), o))
			require.NoError(t, s.Put(t.Context(), o), "the same again")
			var conflict *sink.ConflictError
			require.ErrorAs(t, s.Put(t.Context(), other), &conflict)
			require.Equal(t, o.SHA256, conflict.Have)
			require.NoError(t, s.Probe(t.Context(), o), "it honours the condition")
		})
	}
}

// The same words where nothing is there are no success; what may pass is tried again.
func TestPut_ConditionThatFailed_AndNothingIsThere(t *testing.T) {
	server := s3test.Start(t)
	also := map[string]s3test.Fault{
		"409 of AWS":        {Status: 409, Code: "ConditionalRequestConflict"},
		"409 in the way":    {Status: 409, Code: "OperationAborted"},
		"409 of Ceph":       {Status: 409, Code: "ConcurrentModification"},
		"404 of the object": {Status: 404, Code: "NoSuchKey"},
	}
	for _, all := range []map[string]s3test.Fault{spellings, also} {
		for name, fault := range all {
			t.Run(name, func(t *testing.T) {
				faults := server.Faults(t)
				faults.Times(1, http.MethodPut, fault)
				s := hasty(t, faults.URL(server.Bucket(t)))
				o := sinktest.Object(key, []byte("bytes"))
				err := s.Put(t.Context(), o)
				require.Error(t, err)
				require.NotErrorIs(t, err, sink.ErrNotFound)
				require.Equal(t, fault.Code != "SoItIs", isTransient(err), "%v", err)
				require.NoError(t, s.Put(t.Context(), o))
			})
		}
	}
}

// A word of two requests at once says nothing of whether the store honours the condition.
func TestProbe_TwoAtOnce_IsTriedAgain(t *testing.T) {
	server := s3test.Start(t)
	faults := server.Faults(t)
	s := hasty(t, faults.URL(server.Bucket(t)))
	o := sinktest.Object("logseal.json", []byte(`{"format":1}`))
	require.NoError(t, s.Put(t.Context(), o))
	for _, code := range []string{"ConditionalRequestConflict", "OperationAborted"} {
		faults.Times(1, http.MethodPut, s3test.Fault{Status: 409, Code: code})
		require.ErrorAs(t, s.Probe(t.Context(), o), new(*sink.TransientError))
		require.NoError(t, s.Probe(t.Context(), o))
	}
}

// A 409 that is about something else stays what it is.
func TestPut_ConflictOfAnotherKind_IsRefused(t *testing.T) {
	server := s3test.Start(t)
	if !server.IsFolder() {
		t.Skip("only a store that keeps objects in folders has this conflict")
	}
	bucket := server.Bucket(t)
	server.Plant(t, bucket, "x/data", []byte("a file"))
	err := open(t, server.URL(bucket+"/x")).Put(t.Context(), sinktest.Object(key, []byte("bytes")))
	require.ErrorAs(t, err, new(*sink.RefusedError))
	require.ErrorContains(t, err, "an object lies where a folder of ours should be")
}
