-- From which addresses data was reached, and when each came first and last.
with {@reach_acts}
select host(address) as address, count(*) filter (where action = 'data.exported')::int as exported,
       count(*) filter (where action = 'data.accessed')::int as accessed, count(distinct account)::int as accounts,
       min(at) as first, max(at) as last
from acts
where address is not null
group by address
order by first, address
limit 5000
