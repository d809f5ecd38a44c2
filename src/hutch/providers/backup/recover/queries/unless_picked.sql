and not exists (select from {parent} r join {parent_pick} q on {parent_match} where {refers})
