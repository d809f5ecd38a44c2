\
ls x