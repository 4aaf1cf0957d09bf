package s3

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// signer signs requests as the SDK's own signer does, with two exceptions.
//
//   - It does not sign Accept-Encoding: Google Cloud Storage changes that before it checks the
//     signature. The header is sent all the same, so that nothing on the way packs an answer.
//   - It derives its key from the secret each time. The SDK's does so once a day for an access key,
//     and would not notice a new secret of the same key.
type signer struct{}

const acceptEncoding = "Accept-Encoding"

// packed is the key of a context under which an answer may be packed.
type packed struct{}

// SignHTTP implements the signer of the SDK's S3 client.
func (signer) SignHTTP(
	ctx context.Context, credentials aws.Credentials, r *http.Request, payloadHash, service,
	region string, at time.Time, options ...func(*v4.SignerOptions),
) error {
	once := v4.NewSigner(func(o *v4.SignerOptions) {
		o.DisableURIPathEscaping = true // S3 signs the path as it is sent
	})
	unsigned := r.Header.Values(acceptEncoding)
	if ctx.Value(packed{}) != nil {
		unsigned = []string{"gzip"}
	}
	r.Header.Del(acceptEncoding)
	err := once.SignHTTP(ctx, credentials, r, payloadHash, service, region, at, options...)
	for _, v := range unsigned {
		r.Header.Add(acceptEncoding, v)
	}
	return err
}
