// Reads JSON strings, one a line, and prints what time.ParseDuration makes of each: nanoseconds,
// or "refused".
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var text string
		if err := json.Unmarshal(lines.Bytes(), &text); err != nil {
			panic(err)
		}
		if found, err := time.ParseDuration(text); err != nil {
			fmt.Println("refused")
		} else {
			fmt.Println(int64(found))
		}
	}
}
