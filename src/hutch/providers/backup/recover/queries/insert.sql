insert into {table} ({columns}) overriding system value select {columns} from {stage}
