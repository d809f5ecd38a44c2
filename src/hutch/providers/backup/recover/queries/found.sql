select {keys} {among}
