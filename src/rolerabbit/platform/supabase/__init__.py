"""The platform by Supabase's REST address: what a login may see there that is no superuser."""
