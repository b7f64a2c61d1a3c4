/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What t/950-templates.t asks of each template.
 */

package function

import (
	"fmt"
	"os"
)

func Handle(req []byte) string {
	path := os.Getenv("Http_Path")

	if path == "/fail" {
		panic("deliberate")
	}

	if path == "/request" {
		return fmt.Sprint(os.Getenv("Http_Method"), " ", path, " ",
			os.Getenv("Http_Query"), " ", os.Getenv("Http_X_Test"))
	}

	return string(req)
}
